"""What the log keeps of a message: its words, and of everything large in it how large it was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

KEPT = 200
"""Characters of an address that is no text but data."""


def without_data(messages: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The messages, the bytes of images, sounds and files replaced by their size and hash."""
    if all(isinstance(message.get("content"), str) for message in messages):
        return messages
    return [{**message, "content": _content(message.get("content"))} for message in messages]


def _content(content: Any) -> Any:
    if not isinstance(content, list | tuple):
        return content
    return [_part(part) for part in content]


def _part(part: Any) -> Any:
    if not isinstance(part, Mapping):
        return part
    return {
        name: {inner: _short(text) for inner, text in value.items()} if isinstance(value, Mapping) else value
        for name, value in part.items()
    }


def _short(value: Any) -> Any:
    if not isinstance(value, str) or len(value) <= KEPT:
        return value
    head = value.partition(",")[0] if value.startswith("data:") else "data"
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{head[:60]} ({len(value) * 3 // 4:,} bytes, sha256 of the text {digest}…)"
