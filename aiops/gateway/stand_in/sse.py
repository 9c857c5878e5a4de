"""Server-sent events, and the pieces that a text is sent in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

DONE = b"data: [DONE]\n\n"

_PIECE = re.compile(r"\s*\S+\s*|\s+")


def event(data: str) -> bytes:
    """One server-sent event."""
    return b"data: " + data.encode("utf-8", "surrogatepass") + b"\n\n"


def named_event(data: Mapping[str, Any]) -> bytes:
    """One server-sent event that says its `type` twice, as those of Responses do."""
    return f"event: {data['type']}\n".encode() + event(json.dumps(data))


def pieces_of(text: str | None) -> list[str]:
    """The text, a word and the space around it at a time."""
    return _PIECE.findall(text or "")
