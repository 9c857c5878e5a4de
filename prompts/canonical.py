"""One text for one content, and the hash that shows what was changed behind its back."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any


def _number(value: float) -> float | int:
    # A database may give 100000.0 back as 100000, and 1e16 without its exponent: the same number must hash the same.
    return int(value) if value.is_integer() else value


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def canonical(value: Any, *, keep_order: bool = False) -> str:
    """JSON without spaces; keys sorted unless `keep_order`.

    Raises:
        ValueError, TypeError: it is no JSON (NaN, infinity, or another type).
    """
    return json.dumps(
        _plain(value), sort_keys=not keep_order, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def content_hash(text: str) -> str:
    """SHA-256 of a canonical text, 64 hexadecimal digits."""
    return sha256(text.encode("ascii")).hexdigest()


def same_hash(stored: str, compute: Callable[[], str]) -> bool:
    """Whether a content still has its hash; what is no JSON any more has not."""
    try:
        return stored == compute()
    except (TypeError, ValueError, RecursionError):
        return False
