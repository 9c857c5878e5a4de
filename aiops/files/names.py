"""Names that are harmless in a header, on a page, in a terminal and on a disk."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 100
"""Characters, its ending included."""

_NOT_IN_NAMES = re.compile(r'["*:<>?|]+')


def harmless_name(name: str) -> str:
    """The last part of a path, without what steers anything; empty where nothing is left."""
    last = re.split(r"[/\\]", name)[-1]
    # Control and formatting characters, lone surrogates: they break lines, or let an ending read backwards.
    shown = "".join(
        " " if unicodedata.category(sign)[0] in "CZ" else sign for sign in unicodedata.normalize("NFC", last)
    )
    words = " ".join(_NOT_IN_NAMES.sub(" ", shown).split()).strip(". ")
    stem, dot, ending = words.rpartition(".")
    if not dot:
        return words[:LONGEST]
    stem = stem.strip(". ")
    return f"{stem[: LONGEST - len(ending) - 1]}.{ending}" if stem and len(ending) < LONGEST else words[:LONGEST]


def ending_of(name: str) -> str:
    """`pdf` of `Report.PDF`; empty where there is none."""
    _stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot else ""
