"""Strings that match a regular expression of the simple kind that schemas carry."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from functools import lru_cache

Draw = Callable[[random.Random, int], str]
"""Gives a string; the number is how many turns more than the least a repetition should take."""

_PRINTABLE = string.ascii_letters + string.digits + " _-.,"
_CLASSES = {
    "d": string.digits,
    "w": string.ascii_letters + string.digits + "_",
    "s": " ",
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}


def matching(pattern: str, rng: random.Random, *, least: int = 0) -> str:
    """A string that the pattern matches, of at least so many characters where its repetitions allow it.

    Raises:
        ValueError: the pattern uses what is not understood (looking around, references back, properties).
    """
    draw = _compiled(pattern)
    for more in range(3 + least):
        drawn = draw(rng, more)
        if len(drawn) >= least:
            break
    return drawn


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Draw:
    reader = _Reader(pattern)
    draw = reader.alternatives()
    if reader.rest:
        raise reader.unknown()
    return draw


class _Reader:
    """Reads a pattern from left to right and gives what draws a match of it."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    @property
    def rest(self) -> str:
        return self.pattern[self.at :]

    def unknown(self) -> ValueError:
        return ValueError(
            f"The stand-in does not understand the pattern {self.pattern!r} from its character {self.at}."
        )

    def take(self) -> str:
        if not self.rest:
            raise self.unknown()
        self.at += 1
        return self.pattern[self.at - 1]

    def taken(self, sign: str) -> bool:
        found = self.rest.startswith(sign)
        if found:
            self.at += len(sign)
        return found

    def alternatives(self) -> Draw:
        branches = [self.sequence()]
        while self.taken("|"):
            branches.append(self.sequence())
        return lambda rng, more: rng.choice(branches)(rng, more)

    def sequence(self) -> Draw:
        parts: list[Draw] = []
        while self.rest and self.rest[0] not in "|)":
            if not (self.taken("^") or self.taken("$")):
                parts.append(self.repeated(self.atom()))
        return lambda rng, more: "".join(part(rng, more) for part in parts)

    def atom(self) -> Draw:
        sign = self.take()
        if sign == "(":
            if self.rest.startswith("?") and not self.taken("?:"):
                raise self.unknown()
            inner = self.alternatives()
            if not self.taken(")"):
                raise self.unknown()
            return inner
        if sign in "*+?{":
            raise self.unknown()
        choice = self.bracket() if sign == "[" else self.characters(sign)
        if not choice:
            raise self.unknown()
        return lambda rng, more: rng.choice(choice)

    def characters(self, sign: str) -> str:
        """All that a sign outside of brackets may stand for."""
        if sign == ".":
            return _PRINTABLE
        return self.escaped() if sign == "\\" else sign

    def escaped(self) -> str:
        sign = self.take()
        if sign in _CLASSES:
            return _CLASSES[sign]
        if sign.lower() in _CLASSES:
            return "".join(other for other in _PRINTABLE if other not in _CLASSES[sign.lower()])
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign in "ux":
            digits = "".join(self.take() for _ in range(4 if sign == "u" else 2))
            try:
                return chr(int(digits, 16))
            except ValueError:
                raise self.unknown() from None
        if sign.isalnum():
            raise self.unknown()
        return sign

    def bracket(self) -> str:
        """All that a set in brackets allows."""
        negated = self.taken("^")
        allowed = ""
        while not self.taken("]"):
            sign = self.take()
            first = self.escaped() if sign == "\\" else sign
            if len(first) == 1 and len(self.rest) > 1 and self.rest[0] == "-" and self.rest[1] != "]":
                self.take()
                sign = self.take()
                last = self.escaped() if sign == "\\" else sign
                first = "".join(chr(code) for code in range(ord(first), min(ord(last), ord(first) + 512) + 1))
            allowed += first
        return "".join(sign for sign in _PRINTABLE if sign not in allowed) if negated else allowed

    def repeated(self, draw: Draw) -> Draw:
        least, most = self.counts()
        if (least, most) == (1, 1):
            return draw

        def several(rng: random.Random, more: int) -> str:
            top = least + max(2, more) if most is None else min(most, least + max(2, more))
            turns = rng.randint(min(least + more, top), top)
            return "".join(draw(rng, more) for _ in range(turns))

        return several

    def counts(self) -> tuple[int, int | None]:
        if self.taken("*"):
            counts: tuple[int, int | None] = (0, None)
        elif self.taken("+"):
            counts = (1, None)
        elif self.taken("?"):
            counts = (0, 1)
        elif self.taken("{"):
            end = self.rest.find("}")
            low, comma, high = self.rest[: max(end, 0)].partition(",")
            if end < 0 or not low.isdigit() or (high and not high.isdigit()):
                raise self.unknown()
            self.at += end + 1
            counts = (int(low), (int(high) if high else None) if comma else int(low))
        else:
            return 1, 1
        # Greedy or not, it matches the same strings.
        self.taken("?")
        return counts
