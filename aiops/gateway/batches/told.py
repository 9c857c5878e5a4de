"""What a provider tells of a batch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from aiops.gateway.errors import Malformed
from aiops.gateway.plain_text import storable

PATH = "/batches"

FAILED = "failed"
OVER = frozenset({"completed", FAILED, "expired", "cancelled"})
"""In the provider's words: nothing more comes of it."""

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a whole batch was refused once its file was read."""

    code: str
    message: str
    line: int | None
    """Of the file, from 1; None: it is about all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldBatch:
    """A batch as the provider tells of it."""

    provider_id: str
    status: str
    output_file_id: str
    """Empty: there is none."""

    error_file_id: str
    total: int
    """Lines, once the provider has read them; 0 until then."""

    completed: int
    """Lines that were answered."""

    failed: int
    """Lines that ended in an error."""

    created: datetime | None
    expires: datetime | None
    faults: Sequence[Fault]
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in OVER


def path_of(provider_id: str, rest: str = "") -> str:
    """The address of one batch.

    Raises:
        ValueError: this is no id, and would lead elsewhere.
    """
    if not _ID.fullmatch(provider_id):
        raise ValueError(f"{provider_id[:40]!r} is no id of a batch.")
    return f"{PATH}/{provider_id}{rest}"


def told_in(response: httpx2.Response) -> ToldBatch:
    """The batch that an answer is about.

    Raises:
        Malformed: it is about none.
    """
    return _told(_object(response), response)


def page_in(response: httpx2.Response, after: str) -> tuple[list[ToldBatch], str]:
    """The batches of one page of a list, and after which the next one begins; empty where this is the last.

    Raises:
        Malformed: it is no list.
    """
    data = _object(response)
    rows = data.get("data")
    if not isinstance(rows, list):
        raise _malformed(response)
    batches = [_told(row, response) for row in rows]
    following = batches[-1].provider_id if batches and data.get("has_more") is True else ""
    return batches, following if following != after else ""


def _told(data: Any, response: httpx2.Response) -> ToldBatch:
    match data:
        case {"id": str(provider_id), "status": str(status)} if _ID.fullmatch(provider_id):
            counts = data.get("request_counts")
            counts = counts if isinstance(counts, dict) else {}
            return ToldBatch(
                provider_id=provider_id,
                status=storable(status)[:32],
                output_file_id=_file(data.get("output_file_id")),
                error_file_id=_file(data.get("error_file_id")),
                total=_count(counts.get("total")),
                completed=_count(counts.get("completed")),
                failed=_count(counts.get("failed")),
                created=_moment(data.get("created_at")),
                expires=_moment(data.get("expires_at")),
                faults=tuple(_faults(data.get("errors"))),
                metadata=_metadata(data.get("metadata")),
            )
    raise _malformed(response)


def _object(response: httpx2.Response) -> dict[str, Any]:
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise _malformed(response)
    return data


def _file(value: Any) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def _moment(seconds: Any) -> datetime | None:
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _faults(errors: Any) -> list[Fault]:
    rows = errors.get("data") if isinstance(errors, dict) else None
    return [
        Fault(
            code=storable(str(row.get("code") or ""))[:64],
            message=storable(str(row.get("message") or ""))[:500],
            line=line if isinstance(line := row.get("line"), int) and not isinstance(line, bool) and line > 0 else None,
        )
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict)
    ]


def _metadata(value: Any) -> dict[str, str]:
    return {str(name): str(told) for name, told in value.items()} if isinstance(value, dict) else {}


def _malformed(response: httpx2.Response) -> Malformed:
    return Malformed(
        "The provider's answer says nothing of a batch.",
        status=response.status_code,
        raw=storable(response.content[:10_000].decode(errors="replace")),
    )
