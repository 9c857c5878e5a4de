"""Characters that no provider takes."""

from __future__ import annotations

import re

# NUL, and halves of a surrogate pair: PostgreSQL refuses the first, UTF-8 the others.
BAD = re.compile("[\x00\ud800-\udfff]")


def bad_characters(text: str) -> bool:
    """Whether there is a NUL or half a character in it: refused in what an author writes."""
    return BAD.search(text) is not None


def mended(text: str) -> str:
    """Each NUL or half character replaced by U+FFFD: done to what comes out of a row, which nobody wrote by hand."""
    return BAD.sub("\ufffd", text)
