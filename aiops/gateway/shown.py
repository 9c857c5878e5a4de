"""What the log keeps of a message: its words, and of everything large in it how large it was."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

KEPT = 200
"""Characters of an address that is no text but data."""

DATA = frozenset({"audio", "b64_json", "data", "file_data", "image_url", "result", "url"})
"""Names in a part under which bytes are sent."""


def without_data(messages: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The messages, the bytes of images, sounds and files replaced by their size and hash."""
    if all(isinstance(message.get("content"), str) for message in messages):
        return messages
    return [{**message, "content": _content(message.get("content"))} for message in messages]


def measure(data: bytes) -> str:
    """Size and hash of bytes that are not kept: enough to find the file that they came from."""
    return f"{len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}"


def _content(content: Any) -> Any:
    if not isinstance(content, list | tuple):
        return content
    return [_part(part) for part in content]


def _part(part: Any) -> Any:
    if not isinstance(part, Mapping):
        return part
    return {name: _part(value) if isinstance(value, Mapping) else _short(name, value) for name, value in part.items()}


def _short(name: str, value: Any) -> Any:
    if not isinstance(value, str) or name not in DATA:
        return value
    is_uri = value[:5].lower() == "data:"
    if not is_uri and len(value) <= KEPT:
        return value
    head, _comma, data = value.partition(",") if is_uri else ("data", "", value)
    try:
        return f"{head[:60]} ({measure(base64.b64decode(data, validate=True))})"
    except (binascii.Error, ValueError):
        return f"{head[:60]} ({measure(value.encode('utf-8', 'surrogatepass'))})"
