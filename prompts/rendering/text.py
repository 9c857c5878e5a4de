"""Characters that no provider takes."""

from __future__ import annotations

import re
from typing import Any

# NUL, and halves of a surrogate pair: PostgreSQL refuses the first, UTF-8 the others.
BAD = re.compile("[\x00\ud800-\udfff]")


def bad_characters(text: str) -> bool:
    """Whether there is a NUL or half a character in it: refused in what an author writes."""
    return BAD.search(text) is not None


def holds_bad_characters(data: Any) -> bool:
    """Whether any text or key in parsed JSON has one of them."""
    todo = [data]
    while todo:
        item = todo.pop()
        if isinstance(item, str) and bad_characters(item):
            return True
        if isinstance(item, dict):
            todo += [*item, *item.values()]
        elif isinstance(item, list):
            todo += item
    return False


def mended(text: str) -> str:
    """Each NUL or half character replaced by U+FFFD: done to what comes out of a row, which nobody wrote by hand."""
    return BAD.sub("\ufffd", text)
