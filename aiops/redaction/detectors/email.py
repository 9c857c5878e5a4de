"""Addresses of mail."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiops.redaction.found import Found

# An apostrophe within a name is of it.
_NAME = r"[\w.%+~!#$*^-]"
_ADDRESS = rf"{_NAME}++(?:'{_NAME}++)*+@[\w-]++(?:\.[\w-]++)++"
# Begins only where a name can begin, so that no part of a text is read twice; what is glued to it is taken along.
_ADDRESSES = re.compile(rf"(?<!{_NAME})(?<!{_NAME}'){_ADDRESS}(?:'?{_ADDRESS})*+")
_PRICE = re.compile(r"[0-9.@]+")


def emails(text: str) -> Iterator[Found]:
    """`ada@example.com`, also with letters beyond ASCII. Kind: `email`."""
    if "@" not in text:
        return
    for match in _ADDRESSES.finditer(text):
        # `2@3.50` is none.
        if not _PRICE.fullmatch(match[0]):
            yield Found(match.start(), match.end(), "email")
