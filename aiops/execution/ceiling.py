"""The most that one attempt can cost: what is held before it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiops.gateway.usage import Usage

if TYPE_CHECKING:
    from aiops.execution.prepare import Plan


def ceiling_of(plan: Plan, most: Usage) -> int | None:
    """Nano-dollars; None where nobody knows.

    Args:
        most: the most that it can use.
    """
    return plan.price.ceiling_of(most, seconds=longest(plan)) if plan.price else None


def longest(plan: Plan) -> float:
    """Seconds that one attempt can take: until the server is reached, and then as long as it may be waited for."""
    return (plan.retry or plan.connection).deadline + plan.connection.connect_timeout
