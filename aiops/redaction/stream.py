"""Putting values back into an answer that comes in pieces, a token perhaps cut in two."""

from __future__ import annotations

import re
from collections.abc import Callable

from aiops.redaction.tokens import begun, longest, written


class RestoredStream:
    """Gives out what surely is no beginning of a token, and keeps the rest until more comes.

    All that is given out, one piece after another, is what `Restorer.text` makes of the whole answer.
    """

    __slots__ = ("_before", "_kept", "_kinds", "_value")

    def __init__(self, kinds: frozenset[str], value: Callable[[re.Match[str]], str]) -> None:
        """See `Restorer.stream`."""
        self._kinds = kinds
        self._value = value
        self._before = ""
        self._kept = ""

    def feed(self, delta: str) -> str:
        """What may be shown now that `delta` has come; empty where all of it is kept back."""
        if not self._kinds:
            return delta
        text = self._before + self._kept + delta
        # Never from before what was kept: that has been given out.
        first = max(len(self._before), len(text) - longest(self._kinds))
        beginning = begun(self._kinds).search(text, first)
        return self._give(text, beginning.start() if beginning else len(text))

    def end(self) -> str:
        """What is left once nothing more will come."""
        text = self._before + self._kept
        return self._give(text, len(text))

    def _give(self, text: str, until: int) -> str:
        position = len(self._before)
        if until == position:
            self._kept = text[until:]
            return ""
        given: list[str] = []
        for match in written(self._kinds).finditer(text, position):
            if match.end() > until:
                break
            given += (text[position : match.start()], self._value(match))
            position = match.end()
        given.append(text[position:until])
        # One character, as it came, tells whether a name that follows is a word of its own.
        self._before, self._kept = text[until - 1 : until], text[until:]
        return "".join(given)
