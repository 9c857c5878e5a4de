"""One call that is prepared, made: recorded and held for, asked, judged, settled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.cache.answers import CachedCompletion
from aiops.cache.asking import aasked_once, asked_once
from aiops.calls.models import Call
from aiops.durable import durable, one_writer
from aiops.execution import costs
from aiops.execution.chain import acarry_out, carry_out, unless_cooling
from aiops.execution.errors import AttemptRefused
from aiops.execution.judge import Outcome, judge
from aiops.execution.lost import ABANDONED, close_lost
from aiops.execution.prepare import Prepared
from aiops.execution.reuse import ended_by, keep_answers, key_for, new_answer, reusing
from aiops.execution.trouble import patient
from aiops.execution.unbroken import unbroken
from aiops.execution.window import close_window, hold_again, open_reused, open_window, withdraw_window
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
    try:
        ended = carry_out(prepared, policy_of(prepared), rehold=rehold)
    except BaseException:
        give_up(prepared)
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
    try:
        ended = await acarry_out(prepared, policy_of(prepared), rehold=unbroken(rehold))
    except BaseException:
        # Whoever asked has gone: what is written of it must not be cancelled as well.
        await unbroken(give_up)(prepared)
        raise
    return await unbroken(close_call)(judge(ended))


def open_call(prepared: Prepared) -> Prepared:
    """Record and hold: afterwards the call may leave.

    Raises:
        aiops.execution.errors.REFUSALS: it may not.
    """
    prepared = unless_cooling(prepared)
    with durable():
        opened = open_window([prepared], now=timezone.now())
    if opened.refusal:
        raise opened.refusal
    return prepared


async def aopen(prepare: Callable[[], Prepared]) -> Prepared:
    """As `open_call`, without blocking the event loop. A call whose asker is cancelled before it left is withdrawn.

    Args:
        prepare: gives the call; it may ask the database.

    Raises:
        aiops.execution.errors.REFUSALS: as there.
    """
    return (await _aopened(prepare, kept=False))[1]


async def aopen_unless_kept(prepare: Callable[[], Prepared]) -> tuple[str | None, Prepared]:
    """As `aopen`; but a call whose answer may be there is not opened yet, and comes with the key of that."""
    return await _aopened(prepare, kept=True)


async def _aopened(prepare: Callable[[], Prepared], *, kept: bool) -> tuple[str | None, Prepared]:
    begun: list[Prepared] = []

    def opened() -> tuple[str | None, Prepared]:
        prepared = prepare()
        key = key_for(prepared) if kept else None
        if key is not None:
            return key, prepared
        prepared = unless_cooling(prepared)
        begun.append(prepared)
        return None, open_call(prepared)

    try:
        return await unbroken(opened)()
    except asyncio.CancelledError:
        await unbroken(withdraw)(begun)
        raise


@patient
def withdraw(calls: Sequence[Prepared]) -> None:
    """Undo `open_call` for what never left, be it opened or not."""
    with one_writer(), transaction.atomic():
        withdraw_window(calls, now=timezone.now())


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


def close_call(outcome: Outcome) -> Outcome:
    """Write how it ended and settle its money. A replay changes nothing.

    A stream may end inside a transaction that was begun after it: what is undone with that is a call open again.
    """
    if _closed(outcome):
        costs.note(outcome)
    return outcome


@patient
def _closed(outcome: Outcome) -> bool:
    with one_writer(), transaction.atomic():
        return bool(close_window([outcome]))


@patient
def rehold(prepared: Prepared, spent: Ending | None, attempt: int) -> AttemptRefused | None:
    """`hold_again` in a transaction of its own."""
    with durable():
        return hold_again(prepared, spent, attempt=attempt, now=timezone.now())


def policy_of(prepared: Prepared) -> RetryPolicy:
    """How patiently a call is sent again."""
    return prepared.plan.retry or RetryPolicy(deadline=prepared.plan.connection.deadline)


@patient
def give_up(prepared: Prepared) -> None:
    """What is written of a call whose asker went away (Ctrl-C, a cancelled task): it may have been billed."""
    text = _("Whoever asked went away before the answer came; it may have been billed.")
    with transaction.atomic():
        close_lost(Call.objects.filter(pk=prepared.call_id), kind=ABANDONED, text=text, now=timezone.now())
