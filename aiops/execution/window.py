"""Record, hold, then call: the two transactions around a window of calls.

A call that leaves has its row and its hold committed; one that ended has both closed in one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aiops.calls.models import Call
from aiops.calls.recording import CallEnd, close_calls, open_calls
from aiops.catalogue.access import first_refused
from aiops.execution.errors import AttemptRefused
from aiops.execution.judge import Outcome
from aiops.execution.prepare import Prepared
from aiops.failpoints import failpoint
from aiops.gateway.errors import GatewayError
from aiops.ledger import holds
from aiops.ledger.errors import UnpricedModel
from aiops.ledger.holds import Ending
from aiops.ledger.periods import periods_of
from aiops.stops.switch import stopped


@dataclass(frozen=True, slots=True)
class Opened:
    """How many of a window may leave."""

    count: int
    """So many, from the first."""

    refusal: AttemptRefused | None = None
    """Why the next one may not."""


def open_window(window: Sequence[Prepared], *, now: datetime) -> Opened:
    """Hold money and write the rows for as many calls, in order, as the budgets allow. Belongs in a transaction.

    Every call that leaves comes by here, so this is where it is seen whether who asks may use the model. Where every
    call is stopped, none of them is opened.
    """
    if stop := stopped():
        return Opened(0, stop)
    refusal: AttemptRefused | None = None
    forbidden = first_refused((one.request.model, one.plan.connection.alias, one.about.user_id) for one in window)
    if forbidden is not None:
        window, refusal = window[: forbidden[0]], forbidden[1]
    unpriced = next((number for number, one in enumerate(window) if one.ceiling is None and is_counted(one, now)), None)
    if unpriced is not None:
        one = window[unpriced]
        window, refusal = window[:unpriced], UnpricedModel(one.request.model, one.plan.connection.alias)
    granted = holds.hold([_wanted(one, attempt=1) for one in window], now=now)
    failpoint("calls.held")
    open_calls([_row(one, now) for one in window[: granted.count]])
    failpoint("calls.opened")
    return Opened(granted.count, granted.refusal or refusal)


def open_reused(window: Sequence[Prepared], *, now: datetime) -> None:
    """Write the rows of calls whose answer is there already: they need no money. Belongs in a transaction."""
    open_calls([_row(one, now) for one in window])


def close_window(outcomes: Sequence[Outcome]) -> set[UUID]:
    """Write how calls ended and settle their money. Belongs in a transaction; a replay changes nothing.

    Returns:
        The calls that were still open.
    """
    if not outcomes:
        return set()
    endings = [outcome.ending for outcome in outcomes]
    return close_calls(
        {outcome.call_id: outcome.end for outcome in outcomes},
        settle=lambda: holds.close(endings, now=outcomes[-1].end.ended_at),
    )


def withdraw_window(window: Sequence[Prepared], *, now: datetime) -> None:
    """Undo `open_window` for calls that never left: no money is charged and no row stays. Belongs in a transaction."""
    withdraw_calls([one.call_id for one in window], now=now)


def withdraw_calls(call_ids: Collection[UUID], *, now: datetime) -> None:
    """As `withdraw_window`, where nothing but their names is known any more."""
    endings = [Ending(call_id=call_id, attempt=1, cost=0, released=True) for call_id in call_ids]
    holds.close(endings, now=now)
    Call.objects.open().filter(pk__in=call_ids).delete()


def release_calls(call_ids: Collection[UUID], error: GatewayError, *, now: datetime) -> None:
    """Close calls that left and surely were not billed. Belongs in a transaction; a replay changes nothing."""
    end = CallEnd(
        status=Call.Status.FAILED, ended_at=now, raw=error.raw, error_kind=error.kind, error_text=str(error), cost=0
    )
    endings = [Ending(call_id=call_id, attempt=1, cost=0, released=True) for call_id in call_ids]
    close_calls(dict.fromkeys(call_ids, end), settle=lambda: holds.close(endings, now=now))


def hold_again(prepared: Prepared, spent: Ending | None, *, attempt: int, now: datetime) -> AttemptRefused | None:
    """Before a call is sent once more: close the hold that may be spent, and hold anew.

    Returns why it may not be sent: there is no money for it, or every call was stopped meanwhile. The first hold is
    closed all the same. Belongs in a transaction.

    Args:
        spent: what became of the hold that is open; None where the attempt before surely was not billed, and the same
            hold is good for this one too.
    """
    if spent is None:
        return stopped()
    if holds.is_held(prepared.call_id, attempt):
        # It was asked before, and the database went away before it could say that it had done so.
        return None
    holds.close([spent], now=now)
    if refusal := stopped():
        return refusal
    if prepared.ceiling is None and is_counted(prepared, now):
        return UnpricedModel(prepared.request.model, prepared.plan.connection.alias)
    return holds.hold([_wanted(prepared, attempt=attempt)], now=now).refusal


def is_counted(prepared: Prepared, now: datetime) -> bool:
    """Whether any budget counts the call: then nobody may make it without knowing its price."""
    return bool(periods_of(prepared.charged_to, now))


def _wanted(prepared: Prepared, *, attempt: int) -> holds.Wanted:
    return holds.Wanted(call_id=prepared.call_id, attempt=attempt, amount=prepared.ceiling or 0, to=prepared.charged_to)


def _row(prepared: Prepared, now: datetime) -> dict[str, object]:
    request, about = prepared.request, prepared.about
    return {
        "id": prepared.call_id,
        "operation": request.operation,
        "purpose": about.purpose,
        "follows": about.follows,
        "redacted": prepared.restore.counts,
        "prompt_version_id": prepared.plan.version.pk if prepared.plan.version else None,
        "connection": request.connection,
        "model_asked": request.model,
        "parameters": request.settings(),
        "messages": request.shown(),
        "user_id": about.user_id,
        "job_id": about.job_id,
        "item_id": about.item_id,
        "batch_id": about.batch_id,
        "row_type_id": about.row_type_id,
        "row_key": about.row_key,
        "started_at": now,
    }
