"""How long a job would take, at the limits that hold now."""

from __future__ import annotations

from dataclasses import dataclass

from aiops.execution.leave import most_under_way
from aiops.execution.prepare import Plan
from aiops.limits.limits import limits_of


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of a job by itself: others that run share its limits."""

    seconds: float
    is_least: bool
    """Whether only the limits say so, since nobody knows how long one answer takes."""


def pace_of(plan: Plan, calls: int, *, tokens: float, seconds: float | None) -> Pace | None:
    """None where nothing says anything.

    Args:
        calls: of the job.
        tokens: read and written by one, on average.
        seconds: that one takes; None where nobody knows.
    """
    limits = limits_of(plan.connection, plan.model)
    rates = []
    if limits.requests_per_minute:
        rates.append(limits.requests_per_minute / 60)
    if limits.tokens_per_minute and tokens:
        rates.append(limits.tokens_per_minute / 60 / tokens)
    if seconds:
        rates.append(most_under_way(plan, plan.connection.max_in_flight) / seconds)
    if not rates:
        return None
    return Pace(max(calls / min(rates), seconds or 0.0), is_least=seconds is None)
