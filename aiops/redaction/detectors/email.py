"""Addresses of mail."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiops.redaction.found import Found

# Begins only where a name can begin, so that no part of a text is read twice. An apostrophe within a name is of it.
_NAME = r"[\w.%+~!#$*^-]"
_ADDRESS = re.compile(rf"(?<!{_NAME})(?<!{_NAME}'){_NAME}++(?:'{_NAME}++)*+@[\w-]++(?:\.[\w-]++)++")


def emails(text: str) -> Iterator[Found]:
    """`ada@example.com`, also with letters beyond ASCII. Kind: `email`."""
    if "@" not in text:
        return
    for match in _ADDRESS.finditer(text):
        # `2@3.50` is a price.
        if not match[0].rpartition(".")[2].isdigit():
            yield Found(match.start(), match.end(), "email")
