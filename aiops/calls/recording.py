"""Writing the log: a row before the request leaves, its end once that is known. Both for many calls at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from aiops.calls.counting import ASKED, Sums, add_to, count_in, sums_of
from aiops.calls.models import Call
from aiops.failpoints import failpoint
from aiops.gateway.completion import Completion
from aiops.gateway.usage import Usage
from aiops.rows import insert_rows, lock_rows, update_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnd:
    """How a call ended."""

    status: Call.Status
    ended_at: datetime
    completion: Completion | None = None
    """What came, usable or not; None when nothing did."""

    raw: str = ""
    """What came where it was no completion."""

    data: Any = None
    error_kind: str = ""
    error_text: str = ""
    cost: int | None = None
    """Nano-dollars; None: unknown."""

    price: Mapping[str, Any] | None = None
    attempts: tuple[Mapping[str, Any], ...] = field(default=())
    """The failed ones: number, kind, status, seconds waited afterwards, whether perhaps billed."""

    attempt_count: int = 1
    connection_answered: str = ""
    """Alias, where it is not the one that was asked."""

    reused_from: UUID | None = None
    """The call whose answer was given again; nothing was sent."""

    saved: int | None = None
    """Nano-dollars that this saved; None: nothing, or unknown."""


def open_calls(calls: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows of calls that are about to leave, each as field name → value."""
    insert_rows(Call, calls)


def close_calls(ends: Mapping[UUID, CallEnd], *, settle: Callable[[], None]) -> set[UUID]:
    """Write how calls ended, and count them among those of their day: every call that ends comes by here.

    A row that is closed already keeps its end, and is not counted again. Belongs in a transaction.

    Args:
        settle: settles their money. It comes in between, since everybody wants the rows that count.

    Returns:
        Those that were still open.
    """
    asked = lock_rows(Call, ends, ASKED, guard={"status": Call.Status.SENDING})
    ended = {call_id: _fields(end) for call_id, end in ends.items() if call_id in asked}
    update_rows(Call, ended)
    failpoint("calls.ended")
    settle()
    failpoint("calls.settled")
    count_in(sums_of({**asked[call_id], **fields} for call_id, fields in ended.items()))
    failpoint("calls.counted")
    return set(asked)


def change_costs(costs: Mapping[UUID, tuple[int, Mapping[str, Any]]]) -> None:
    """Give calls that have ended another cost, in nano-dollars, and the price that it was made with.

    Their days change by as much. Belongs in a transaction.
    """
    ended = Call.objects.exclude(status=Call.Status.SENDING).filter(pk__in=costs).order_by("pk").select_for_update()
    before = list(ended.values(*ASKED, "model_answered", "cost"))
    update_rows(Call, {call["id"]: dict(zip(("cost", "price"), costs[call["id"]], strict=True)) for call in before})
    sums: Sums = {}
    for call in before:
        changes = {"cost": costs[call["id"]][0] - (call["cost"] or 0), "unknown_costs": -int(call["cost"] is None)}
        add_to(sums, call, changes)
    count_in(sums)


_NOTHING = Completion(text="", model="", finish_reason="")
_BUCKETS = tuple(Usage.__dataclass_fields__)


def _fields(end: CallEnd) -> dict[str, Any]:
    came = end.completion or _NOTHING
    return {
        "status": end.status,
        "connection_answered": end.connection_answered,
        "reused_from": end.reused_from,
        "saved": end.saved,
        "model_answered": came.model,
        "output": came.text or came.refusal or end.raw,
        "data": end.data,
        "finish_reason": came.finish_reason,
        **{name: None if came.usage is None else getattr(came.usage, name) for name in _BUCKETS},
        "usage": came.raw_usage,
        "cost": end.cost,
        "price": end.price,
        "first_byte_ms": came.first_byte_ms,
        "total_ms": came.total_ms,
        "attempts": list(end.attempts),
        "attempt_count": end.attempt_count,
        "error_kind": end.error_kind,
        "error_text": end.error_text,
        "provider_request_id": came.request_id,
        "ended_at": end.ended_at,
    }
