"""Numbers of payment cards."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiops.redaction.found import Found

SHORTEST, LONGEST = 13, 19
"""Digits."""

# Digits as cards and forms group them: the first group has four or more, none is of one.
_GROUPS = re.compile("[0-9]{2,}+(?:[ .\u00a0\u202f-][0-9]{2,}+)*+")
_GROUP = re.compile("[0-9]+")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def cards(text: str) -> Iterator[Found]:
    """`4111 1111 1111 1111`, 13 to 19 digits with or without spaces, whose check digit is right. Kind: `card`."""
    for run in _GROUPS.finditer(text):
        if run.end() - run.start() < SHORTEST:
            continue
        groups = [match.span() for match in _GROUP.finditer(text, run.start(), run.end())]
        first = 0
        while first < len(groups):
            last = _card(text, groups, first)
            if last is not None:
                yield Found(groups[first][0], groups[last][1], "card")
                first = last
            first += 1


def _card(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """The last group of the longest card that begins with the group `first`; None where none does."""
    start, end = groups[first]
    # Banks begin with 2 to 6, RuPay with 8 too; 0, 1, 7 and 9 are not payment, but the time in milliseconds is.
    if end - start < 4 or text[start] not in "234568":
        return None
    digits, found = "", None
    for position in range(first, len(groups)):
        digits += text[slice(*groups[position])]
        if len(digits) > LONGEST:
            break
        if len(digits) >= SHORTEST and _is_right(digits):
            found = position
    return found


def _is_right(digits: str) -> bool:
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0
