"""Calls whose process died: nobody will ever say how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from aiops.calls.models import Call, CallQuerySet
from aiops.calls.recording import CallEnd, close_calls
from aiops.failpoints import failpoint
from aiops.ledger.holds import Ending, close
from aiops.ledger.models import Hold

LOST = "lost"
ABANDONED = "abandoned"


def close_lost(
    calls: CallQuerySet,
    *,
    kind: str = LOST,
    text: str = "",
    attempts: Sequence[Mapping[str, Any]] = (),
    attempt_count: int = 1,
    now: datetime,
) -> Counter[int | None]:
    """Mark open calls as `unknown` and charge each at its hold, since it may have been answered and billed.

    Belongs in a transaction; a call that ended meanwhile keeps its end.

    Args:
        kind: of error; `LOST` where the process died.
        text: one sentence about it; empty for that of `LOST`.
        attempts: those that had failed by then, where anybody knows, as the log keeps them.
        attempt_count: how often it was sent.

    Returns:
        Job → how many of its calls were lost; those of no job stand under None.
    """
    lost = dict(calls.open().select_for_update().values_list("id", "job_id"))
    if not lost:
        return Counter()
    end = CallEnd(
        status=Call.Status.UNKNOWN,
        ended_at=now,
        attempts=tuple(attempts),
        attempt_count=attempt_count,
        error_kind=kind,
        error_text=text or _("The worker ended before the answer came; it may have been billed."),
    )
    failpoint("lost.locked")
    close_calls(dict.fromkeys(lost, end), settle=lambda: _charge(lost, now))
    failpoint("lost.closed")
    return Counter(lost.values())


def _charge(call_ids: Iterable[UUID], now: datetime) -> None:
    held = Hold.objects.filter(call_id__in=call_ids, state=Hold.State.HELD).values_list("call_id", "attempt").distinct()
    close([Ending(call_id=call_id, attempt=attempt, cost=None) for call_id, attempt in held], now=now)
