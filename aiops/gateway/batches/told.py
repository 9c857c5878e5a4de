"""What a provider tells of a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiops.gateway.errors import GatewayError
from aiops.gateway.kept import Kept, is_id, moment_in
from aiops.gateway.plain_text import storable

FAILED = "failed"
OVER = frozenset({"completed", FAILED, "expired", "cancelled"})
"""In the provider's words: nothing more comes of it."""


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
    input_file_id: str = ""
    tells_counts: bool = True
    """Whether the provider said how many lines were answered."""

    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in OVER

    @property
    def lacks_answers(self) -> bool:
        """Whether there must be a file of answers, and none is named."""
        if self.output_file_id:
            return False
        return self.completed > 0 or (not self.tells_counts and self.status == "completed" and not self.error_file_id)


def _told(data: dict[str, Any]) -> ToldBatch | None:
    match data:
        case {"id": provider_id, "status": str(status)}:
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
                created=moment_in(data.get("created_at")),
                expires=moment_in(data.get("expires_at")),
                faults=tuple(_faults(data.get("errors"))),
                tells_counts="completed" in counts,
                input_file_id=_file(data.get("input_file_id")),
                metadata=_metadata(data.get("metadata")),
            )
    return None


def _file(value: Any) -> str:
    return value if is_id(value) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


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


def is_told_gone(error: Exception) -> bool:
    """Whether a provider itself says that it has no such batch, or file: its errors are JSON, a proxy's are pages."""
    if not isinstance(error, GatewayError) or error.status != 404:
        return False
    try:
        told = json.loads(error.raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and "error" in told


BATCHES = Kept("/batches", "a batch", _told)
