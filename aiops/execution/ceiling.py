"""What is held before an attempt is made: the most that it can cost, or nearly, where the settings say so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aiops.gateway.sizes import OVERHEAD
from aiops.gateway.usage import Usage

if TYPE_CHECKING:
    from aiops.execution.prepare import Plan
    from prompts.rendering import RenderedPrompt


def ceiling_of(plan: Plan, most: Usage) -> int | None:
    """Nano-dollars; None where nobody knows.

    Args:
        most: the most that it can use. Where the plan has a usual output, no more of that is held for.
    """
    if plan.usual_output is not None and plan.usual_output < most.output_tokens:
        most = replace(most, output_tokens=plan.usual_output)
    return plan.price.ceiling_of(most, seconds=longest(plan)) if plan.price else None


def longest(plan: Plan) -> float:
    """Seconds that one attempt can take: until the server is reached, and then as long as it may be waited for."""
    return (plan.retry or plan.connection).deadline + plan.connection.connect_timeout


def most_input_tokens(rendered: RenderedPrompt, plan: Plan) -> int:
    """An upper bound of the input tokens: no tokenizer makes more of a text than it has UTF-8 bytes."""
    return rendered.size + plan.fixed_size + OVERHEAD * (len(rendered.messages) + 1)
