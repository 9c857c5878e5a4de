"""One call that is prepared, made: recorded and held for, asked, judged, settled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from asgiref.sync import sync_to_async
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.calls.models import Call
from aiops.execution import costs
from aiops.execution.chain import acarry_out, carry_out, unless_cooling
from aiops.execution.errors import AttemptRefused
from aiops.execution.judge import Outcome, judge
from aiops.execution.lost import ABANDONED, close_lost
from aiops.execution.prepare import Prepared
from aiops.execution.window import close_window, durable, hold_again, open_window
from aiops.gateway.retry import RetryPolicy
from aiops.ledger.holds import Ending


def make_call(prepared: Prepared) -> Outcome:
    """Make a call, blocking. It is logged and its money settled, whatever comes of it.

    Returns:
        What came of it; a provider's failure is an outcome, not an exception.

    Raises:
        aiops.execution.errors.REFUSALS: nothing was sent.
    """
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
    prepared = await sync_to_async(_opened)(prepare)
    try:
        ended = await acarry_out(prepared, policy_of(prepared), rehold=sync_to_async(rehold))
    except BaseException:
        # Whoever asked has gone: what is written of it must not be cancelled as well.
        await asyncio.shield(sync_to_async(give_up)(prepared))
        raise
    return await sync_to_async(close_call)(judge(ended))


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


def _opened(prepare: Callable[[], Prepared]) -> Prepared:
    return open_call(prepare())


def close_call(outcome: Outcome) -> Outcome:
    """Write how it ended and settle its money."""
    with durable():
        close_window([outcome])
    costs.note(outcome)
    return outcome


def rehold(prepared: Prepared, spent: Ending | None, attempt: int) -> AttemptRefused | None:
    """`hold_again` in a transaction of its own."""
    with durable():
        return hold_again(prepared, spent, attempt=attempt, now=timezone.now())


def policy_of(prepared: Prepared) -> RetryPolicy:
    """How patiently a call is sent again."""
    return prepared.plan.retry or RetryPolicy(deadline=prepared.plan.connection.deadline)


def give_up(prepared: Prepared) -> None:
    """What is written of a call whose asker went away (Ctrl-C, a cancelled task): it may have been billed."""
    text = _("Whoever asked went away before the answer came; it may have been billed.")
    with durable():
        close_lost(Call.objects.filter(pk=prepared.call_id), kind=ABANDONED, text=text, now=timezone.now())
