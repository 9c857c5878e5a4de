"""Adding calls that have ended to what their day came to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from random import getrandbits
from typing import Any
from uuid import UUID

from django.utils import timezone

from aiops.calls.identity import first_id_at
from aiops.calls.models import Call
from aiops.calls.spend import Spend, bucket_of
from aiops.rows import add_rows

TOKENS_IN = ("input_tokens", "cached_tokens", "cache_write_tokens", "input_audio_tokens", "input_image_tokens")
TOKENS_OUT = ("output_tokens", "reasoning_tokens", "output_audio_tokens")

ASKED = ("id", "prompt_version_id", "connection", "model_asked", "user_id", "job_id")
"""Fields that a call has from its beginning, and that say where it is counted."""

NEEDED = (
    *ASKED,
    *("model_answered", "status", "cost", "saved", "reused_from", "total_ms"),
    *TOKENS_IN,
    *TOKENS_OUT,
)
"""All the fields that are counted, or say where."""

Key = tuple[str, date, str]
"""By what, day, of which: the order in which everybody writes, else two could wait for one another."""

Sums = dict[Key, dict[str, int]]
"""Where → column → what is to be added to it."""


def day_of(call_id: UUID) -> date:
    """The day of the site on which a call began. It is in its name, so the calls of a day are a stretch of the log."""
    milliseconds = call_id.int >> 80
    return datetime.fromtimestamp(milliseconds / 1000, timezone.get_default_timezone()).date()


def ids_of(first: date, last: date) -> tuple[UUID, UUID]:
    """Names between which those of all calls of these days lie: the first of them, and the first after them."""
    return first_id_at(_midnight(first)), first_id_at(_midnight(last + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_default_timezone())


def sums_of(calls: Iterable[Mapping[str, Any]]) -> Sums:
    """What calls that have ended add to their days.

    Args:
        calls: each with the fields `NEEDED`.
    """
    sums: Sums = {}
    for call in calls:
        add_to(sums, call, _came_to(call))
    return sums


def add_to(sums: Sums, call: Mapping[str, Any], changes: Mapping[str, int]) -> None:
    """Add changes wherever a call is counted.

    Args:
        call: with the fields `ASKED`, and `model_answered`.
        changes: column → what is added to it.
    """
    day = day_of(call["id"])
    for by, key in _where(call):
        found = sums.setdefault((by, day, key), {})
        for name, number in changes.items():
            found[name] = found.get(name, 0) + number


def count_in(sums: Sums) -> None:
    """Write them. Belongs in the transaction that ends the calls, as the last thing that it does.

    Everybody wants the rows of today: they are locked until the transaction is over. The one of all calls of a day is
    always among them, so its stamp says whether anything of that day is another now.
    """
    names = sorted({name for changes in sums.values() for name in changes})
    stamp = getrandbits(32)
    rows = [
        {"by": by, "day": day, "key": key, "stamp": stamp, **{name: changes.get(name, 0) for name in names}}
        for (by, day, key), changes in sorted(sums.items())
    ]
    add_rows(Spend, rows, unique=("by", "day", "key"))


def _where(call: Mapping[str, Any]) -> list[tuple[str, str]]:
    where = [
        ("all", ""),
        ("connection", call["connection"]),
        ("model", call["model_answered"] or call["model_asked"]),
    ]
    # What is of no version, user or job is what is left of all.
    for by, field in (("job", "job_id"), ("user", "user_id"), ("version", "prompt_version_id")):
        if call[field] is not None:
            where.append((by, str(call[field])))
    return where


def _came_to(call: Mapping[str, Any]) -> dict[str, int]:
    found = {
        "calls": 1,
        "failed": call["status"] == Call.Status.FAILED,
        "unknown": call["status"] == Call.Status.UNKNOWN,
        "unknown_costs": call["cost"] is None,
        "reused": call["reused_from"] is not None,
        "cost": call["cost"] or 0,
        "saved": call["saved"] or 0,
        "tokens_in": sum(call[name] or 0 for name in TOKENS_IN),
        "tokens_out": sum(call[name] or 0 for name in TOKENS_OUT),
    }
    if call["total_ms"] is not None:
        found[bucket_of(call["total_ms"])] = 1
    return {name: int(number) for name, number in found.items() if number}
