"""Text and data of strangers that every database can keep."""

from __future__ import annotations

import math
import re
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with NUL and lone surrogates, which PostgreSQL and UTF-8 cannot hold, shown as U+FFFD."""
    if text.isascii() and "\x00" not in text:
        # Known at once, however large an image is in base64.
        return text
    return _UNSTORABLE.sub("\ufffd", text)


DEEPEST = 100
"""Levels of lists and objects. SQLite holds no JSON of more than a thousand, Python reads hardly more."""


class TooDeep(Exception):
    """It has more levels than `DEEPEST`."""


def storable_data(data: Any, *, depth: int = DEEPEST) -> Any:
    """Parsed JSON with every text in it storable. `NaN` and `Infinity`, which are no JSON, become None.

    Raises:
        TooDeep: no database holds so many levels.
    """
    if isinstance(data, str):
        return storable(data)
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if not isinstance(data, list | dict):
        return data
    if not depth:
        raise TooDeep
    if isinstance(data, list):
        return [storable_data(value, depth=depth - 1) for value in data]
    return {storable(key): storable_data(value, depth=depth - 1) for key, value in data.items()}
