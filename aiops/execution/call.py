"""One call that is prepared, made: recorded and held for, asked, judged, settled."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from aiops.cache.answers import CachedCompletion
from aiops.cache.asking import aasked_once, asked_once
from aiops.durable import durable
from aiops.execution import costs
from aiops.execution.chain import Chain, acarry_out, carry_out
from aiops.execution.closing import aclose_call, close_call, give_up
from aiops.execution.errors import AttemptRefused
from aiops.execution.judge import Outcome, judge
from aiops.execution.opening import aopen, aopen_unless_kept, open_call
from aiops.execution.prepare import Prepared
from aiops.execution.reuse import ended_by, keep_answers, key_for, new_answer, reusing
from aiops.execution.trouble import patient
from aiops.execution.unbroken import unbroken
from aiops.execution.window import close_window, hold_again, open_reused
from aiops.gateway.retry import RetryPolicy
from aiops.ledger.holds import Ending


def make_call(prepared: Prepared) -> Outcome:
    """Make a call, blocking. It is logged and its money settled, whatever comes of it.

    Returns:
        What came of it; a provider's failure is an outcome, not an exception.

    Raises:
        aiops.execution.errors.REFUSALS: nothing was sent.
    """
    key = key_for(prepared)
    if key is None:
        return _made(prepared)
    with asked_once(key, deadline=policy_of(prepared).deadline) as flight:
        again = flight.answer and give_again(reusing(prepared, flight.answer))
        if again:
            return again
        outcome = _made(prepared)
        flight.answer = keep_answer(prepared, outcome)
        return outcome


def _made(prepared: Prepared) -> Outcome:
    prepared = open_call(prepared)
    chain = Chain(prepared, policy_of(prepared))
    try:
        ended = carry_out(chain, rehold=rehold)
    except BaseException:
        give_up(chain.tally)
        raise
    return close_call(judge(ended))


async def amake_call(prepare: Callable[[], Prepared]) -> Outcome:
    """As `make_call`, without blocking the event loop.

    Args:
        prepare: gives the call; it may ask the database.
    """
    key, prepared = await aopen_unless_kept(prepare)
    if key is None:
        return await _amade(prepared)
    async with aasked_once(key, deadline=policy_of(prepared).deadline) as flight:
        again = flight.answer and await unbroken(give_again)(reusing(prepared, flight.answer))
        if again:
            return again
        outcome = await _amade(await aopen(lambda: prepared))
        flight.answer = await unbroken(keep_answer)(prepared, outcome)
        return outcome


async def _amade(prepared: Prepared) -> Outcome:
    chain = Chain(prepared, policy_of(prepared))
    try:
        ended = await acarry_out(chain, rehold=unbroken(rehold))
    except BaseException:
        # Whoever asked has gone: what is written of it must not be cancelled as well.
        await unbroken(give_up)(chain.tally)
        raise
    return await aclose_call(judge(ended))


def give_again(prepared: Prepared) -> Outcome | None:
    """Log a call whose answer is there already, and give it; None where it is none for whoever asks this time."""
    outcome = judge(ended_by(prepared))
    if not outcome.succeeded:
        return None
    with durable():
        open_reused([prepared], now=timezone.now())
        close_window([outcome])
    costs.note(outcome)
    return outcome


def keep_answer(prepared: Prepared, outcome: Outcome) -> CachedCompletion | None:
    """Keep what came of a call for the next that ask the same; what those who wait for it are given."""
    new = new_answer(prepared, outcome)
    if new is None:
        return None
    keep_answers([(prepared, outcome)])
    return new.cached


@patient
def rehold(prepared: Prepared, spent: Ending | None, attempt: int) -> AttemptRefused | None:
    """`hold_again` in a transaction of its own."""
    with durable():
        return hold_again(prepared, spent, attempt=attempt, now=timezone.now())


def policy_of(prepared: Prepared) -> RetryPolicy:
    """How patiently a call is sent again."""
    return prepared.plan.retry or RetryPolicy(deadline=prepared.plan.connection.deadline)
