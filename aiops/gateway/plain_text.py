"""Text of strangers that every database can keep."""

from __future__ import annotations

import re
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with NUL and lone surrogates, which PostgreSQL and UTF-8 cannot hold, shown as U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def storable_data(data: Any) -> Any:
    """Parsed JSON with every text in it storable."""
    if isinstance(data, str):
        return storable(data)
    if isinstance(data, list):
        return [storable_data(value) for value in data]
    if isinstance(data, dict):
        return {storable(key): storable_data(value) for key, value in data.items()}
    return data
