"""Calls that were given up between two attempts: how they ended is known, and what was held for another is free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from aiops.calls.recording import close_calls
from aiops.execution.ask import Ended
from aiops.execution.judge import Outcome, judge
from aiops.ledger import holds
from aiops.ledger.holds import Ending
from aiops.ledger.models import Hold


def close_between(ended: Sequence[Ended], *, now: datetime) -> list[Outcome]:
    """Close calls whose last attempt had failed. Belongs in a transaction; a replay changes nothing.

    Returns:
        What came of those that were still open.
    """
    outcomes = {one.prepared.call_id: judge(one) for one in ended}
    closed = close_calls(
        {call_id: outcome.end for call_id, outcome in outcomes.items()},
        settle=lambda: holds.close(list(_endings(outcomes.values())), now=now),
    )
    return [outcomes[call_id] for call_id in closed]


def _endings(outcomes: Iterable[Outcome]) -> Iterable[Ending]:
    """What becomes of the holds that are open: the database may have granted one that nobody was told of yet."""
    by_call = {outcome.call_id: outcome for outcome in outcomes}
    held = Hold.objects.filter(call_id__in=by_call, state=Hold.State.HELD).values_list("call_id", "attempt").distinct()
    for call_id, attempt in held:
        outcome = by_call[call_id]
        if attempt > outcome.end.attempt_count:
            yield Ending(call_id=call_id, attempt=attempt, cost=0, released=True)
        else:
            yield replace(outcome.ending, attempt=attempt)
