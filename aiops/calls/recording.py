"""Writing the log: a row before the request leaves, its end once that is known. Both for many calls at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from aiops.calls.models import Call
from aiops.gateway.completion import Completion
from aiops.gateway.usage import Usage
from aiops.rows import insert_rows, update_rows


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


def close_calls(ends: Mapping[UUID, CallEnd]) -> set[UUID]:
    """Write how calls ended. A row that is closed already keeps its end. Belongs in a transaction.

    Returns:
        Those that were still open.
    """
    still_open = set(Call.objects.open().filter(pk__in=ends).select_for_update().values_list("pk", flat=True))
    update_rows(Call, {call_id: _fields(end) for call_id, end in ends.items() if call_id in still_open})
    return still_open


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
