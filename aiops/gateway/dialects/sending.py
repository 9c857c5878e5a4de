"""One request in a provider's dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What is posted, and where."""

    path: str
    """Below the connection's address."""

    body: Mapping[str, Any]

    files: Sequence[tuple[str, Any]] = field(default=())
    """Parts of a form: name, and (file name, bytes, content type). With any, the body is sent as a form too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of an answer beside its content."""

    request_id: str = ""
    content_type: str = ""
    first_byte_ms: int | None = None
    total_ms: int | None = None
