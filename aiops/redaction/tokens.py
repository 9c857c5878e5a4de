"""What stands in the place of a value, and how it is known again in what a model makes of it.

A token is `[EMAIL_1]`. Models also write `EMAIL_1`, `email_1` or, in Markdown, `\\[EMAIL\\_1\\]`; these are taken for
it too. `[EMAIL_12]` and `MY_EMAIL_1` are other words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

DIGITS = "[0-9]{1,9}"
NOT_WITHIN = r"(?<![A-Za-z0-9_])"
"""A name without brackets is a word of its own."""


def token(name: str) -> str:
    """How `EMAIL_1` is written into a text."""
    return f"[{name}]"


def name_in(match: re.Match[str]) -> str:
    """The name `EMAIL_1` that a match of `written` stands for, whichever way it was written."""
    return (match["escaped"] or match["inside"] or match["bare"]).replace("\\", "").upper()


@lru_cache(maxsize=256)
def written(kinds: frozenset[str]) -> re.Pattern[str]:
    """Finds everything that may be meant as a token of these kinds, known or not."""
    name = f"(?:{'|'.join(map(_kind, _longest_first(kinds)))}){_UNDERSCORE}{DIGITS}"
    # A backslash belongs to it only where there are two: the one of `\[EMAIL_1]` stood there before.
    ways = (
        rf"\\\[ ?(?P<escaped>{name}) ?\\\]",
        rf"\[ ?(?P<inside>{name}) ?\]",
        rf"{NOT_WITHIN}(?P<bare>{name})(?![A-Za-z0-9_])",
    )
    return re.compile("|".join(ways), re.ASCII | re.IGNORECASE)


@lru_cache(maxsize=256)
def begun(kinds: frozenset[str]) -> re.Pattern[str]:
    """Finds the longest end of a text that the next characters may turn into a token of these kinds.

    The end itself, with nothing in it, is always one.
    """
    ways = []
    for kind in _longest_first(kinds):
        letters = [part for letter in f"{kind}_" for part in ((r"\\?", "_") if letter == "_" else (letter,))]
        name = [*letters, DIGITS]
        ways.append(_beginnings([r"\\", r"\[", " ?", *name, " ?", r"\\"]))
        ways.append(_beginnings([r"\[", " ?", *name, " ?"]))
        ways.append(NOT_WITHIN + _beginnings(name))
    return re.compile(rf"(?:{'|'.join(ways)})\Z", re.ASCII | re.IGNORECASE)


def longest(kinds: Iterable[str]) -> int:
    """Characters that a token of these kinds may have at most, whichever way it is written."""
    return max(2 * len(kind) for kind in kinds) + 20


_UNDERSCORE = r"\\?_"


def _kind(kind: str) -> str:
    return kind.replace("_", _UNDERSCORE)


def _longest_first(kinds: Iterable[str]) -> list[str]:
    return sorted(kinds, key=lambda kind: (-len(kind), kind))


def _beginnings(parts: list[str]) -> str:
    """A pattern of the first part, or the first two, or …"""
    pattern = ""
    for part in reversed(parts):
        pattern = f"(?:{part}{pattern})?"
    return pattern
