"""What the log keeps of a body that the SDK sends: all words, and of everything large in it how large it was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from aiops.gateway.plain_text import TooDeep, storable_data

KEPT = 200
"""Characters of what is no text but data."""

DATA = frozenset({"b64_json", "data", "file_data", "file_url", "image_url", "partial_image", "result", "url"})
"""Names under which a long text is none."""

DEEP = "(nested too deeply to be kept)"


def messages_of(body: Mapping[str, Any], path: str) -> Sequence[Mapping[str, object]]:
    """What was asked, as messages.

    Args:
        path: said in place of them where there are none.
    """
    asked = body.get("messages") or body.get("input")
    if isinstance(asked, list) and all(isinstance(message, dict) for message in asked):
        kept = _storable(asked)
        return kept if isinstance(kept, list) else [{"role": "input", "content": DEEP}]
    return [{"role": "input", "content": _storable(asked) if isinstance(asked, str | list) else path}]


def settings_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was said beside it."""
    return {name: _storable(value) for name, value in body.items() if name not in ("messages", "input", "model")}


def _storable(value: Any) -> Any:
    try:
        return _without_data(storable_data(value))
    except TooDeep:
        return DEEP


def _without_data(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        return _short(value) if len(value) > KEPT and (name in DATA or value.startswith("data:")) else value
    if isinstance(value, list):
        return [_without_data(one, name) for one in value]
    if isinstance(value, dict):
        return {key: _without_data(one, key) for key, one in value.items()}
    return value


def _short(text: str) -> str:
    head = text.partition(",")[0] if text.startswith("data:") else "data"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{head[:60]} ({len(text) * 3 // 4:,} bytes, sha256 of the text {digest}…)"
