"""Leave to send: within what the provider lets through, a person before a job; and what its answers say of that."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial

from aiops.execution.prepare import Plan, Prepared
from aiops.gateway.errors import GatewayError, RateLimited
from aiops.gateway.send import Heard
from aiops.limits.learning import learn, pause
from aiops.limits.limits import limits_of
from aiops.limits.pace import Priority
from aiops.limits.take import JOB, PERSON, Permit, atake, take

SHARE = 8
"""Part of a call's deadline for which the calls of one worker may have to wait."""

BYTES_PER_TOKEN = 4
"""Of ordinary text. What a call may use is reckoned so for the limit; what it used is set right afterwards."""


def leave(prepared: Prepared, deadline: float) -> AbstractContextManager[Permit]:
    """Wait until the call may be sent; inside the block it is in flight. Costs nothing where there is no limit.

    Args:
        deadline: seconds that may be waited.

    Raises:
        TooBusy: it would not be its turn within that time.
    """
    return take(
        prepared.plan.connection,
        prepared.request.model,
        tokens=_tokens(prepared),
        priority=_priority(prepared),
        deadline=deadline,
    )


def aleave(prepared: Prepared, deadline: float) -> AbstractAsyncContextManager[Permit]:
    """As `leave`, without blocking the event loop."""
    return atake(
        prepared.plan.connection,
        prepared.request.model,
        tokens=_tokens(prepared),
        priority=_priority(prepared),
        deadline=deadline,
    )


def most_under_way(plan: Plan, slots: int) -> int:
    """How many calls of a job one worker may have under way: more would only wait for their turn, and in vain.

    A call waits within its own deadline. What is let through in an eighth of that keeps the limit used, also
    where several workers share it.

    Args:
        plan: of the job.
        slots: how many the connection allows.
    """
    limits = limits_of(plan.connection, plan.model)
    minutes = plan.connection.deadline / 60 / SHARE
    rates = [float(limits.requests_per_minute)] if limits.requests_per_minute else []
    if limits.tokens_per_minute and plan.version:
        rates.append(limits.tokens_per_minute / plan.version.output_limit)
    if limits.in_flight:
        slots = min(slots, limits.in_flight)
    return max(1, min([slots, *(int(rate * minutes) for rate in rates)]))


def heard_by(prepared: Prepared) -> Heard:
    """What is told the headers of each answer."""
    return partial(learn, prepared.plan.connection, prepared.request.model)


def mind(prepared: Prepared, error: GatewayError) -> None:
    """Let everybody wait for as long as the provider asks for, where it does."""
    if isinstance(error, RateLimited) and error.retry_after:
        pause(prepared.plan.connection, prepared.request.model, error.retry_after)


def _priority(prepared: Prepared) -> Priority:
    return PERSON if prepared.about.job_id is None else JOB


def _tokens(prepared: Prepared) -> int:
    if limits_of(prepared.plan.connection, prepared.request.model).tokens_per_minute is None:
        return 0
    most = prepared.request.most()
    return most.tokens_in // BYTES_PER_TOKEN + most.tokens_out
