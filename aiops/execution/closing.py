"""After a call has ended: how, and what became of its money. Awaited calls that end together share a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.calls.models import Call
from aiops.durable import one_writer
from aiops.execution import costs
from aiops.execution.ask import Tally
from aiops.execution.judge import Outcome, attempts_of
from aiops.execution.lost import ABANDONED, close_lost
from aiops.execution.together import Together, Turn, each_alone
from aiops.execution.trouble import patient
from aiops.execution.window import close_window


def close_call(outcome: Outcome) -> Outcome:
    """Write how it ended and settle its money. A replay changes nothing.

    A stream may end inside a transaction that was begun after it: what is undone with that is a call open again.
    """
    if _closed([outcome]):
        costs.note(outcome)
    return outcome


async def aclose_call(outcome: Outcome) -> Outcome:
    """As `close_call`, without blocking the event loop. It is closed even if whoever asked is cancelled meanwhile."""
    return await _closed_together(outcome)


@patient
def _closed(outcomes: Sequence[Outcome]) -> set[UUID]:
    with one_writer(), transaction.atomic():
        return close_window(outcomes)


def _close(turns: Sequence[Turn[Outcome, Outcome]]) -> None:
    closed = _closed([turn.wanted for turn in turns])
    for turn in turns:
        if turn.wanted.call_id in closed:
            turn.run(costs.note, turn.wanted)
        turn.give(turn.wanted)


_closed_together = Together[Outcome, Outcome](lambda turns: each_alone(_close, turns))


@patient
def give_up(tally: Tally) -> None:
    """What is written of a call whose asker went away (Ctrl-C, a cancelled task): it may have been billed.

    Args:
        tally: what had happened to it by then.
    """
    with one_writer(), transaction.atomic():
        close_lost(
            Call.objects.filter(pk=tally.prepared.call_id),
            kind=ABANDONED,
            text=_("Whoever asked went away before the answer came; it may have been billed."),
            attempts=attempts_of(tally.prepared, tally.failures),
            attempt_count=max(1, tally.attempts),
            now=timezone.now(),
        )
