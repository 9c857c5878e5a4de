"""The JSON in an answer, whatever a model puts around it: fences, an introduction, a farewell."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from aiops.execution.judge import parse
from aiops.execution.prepare import Check
from aiops.gateway.plain_text import TooDeep

TRIES = 1_000
"""Most beginnings that are tried in one answer: beyond that it is noise."""

Decode = Callable[[str, int], tuple[Any, int]]
"""Reads the JSON that begins at a place in a text; gives it, and where it ends."""

_BEGINNING = re.compile(r"[{\[]")
# A fence stands in a line of its own, and so never inside a string of JSON, which has no line breaks.
_FENCE = re.compile(r"^[ \t]*(```+|~~~+)[^\n`]*\n\s*", re.MULTILINE)
# What begins so is JSON, or means to be, and no remark in brackets: where it breaks, what follows is the rest of it.
_MEANT = re.compile(r"""[\[\s]*+\{\s*+(?:"[^"\\]*"\s*:|')""")
_LITERALS = ("true", "false", "null", "-")
_DECODE: Decode = json.JSONDecoder().raw_decode


def check_json(schema: Mapping[str, Any] | None = None) -> Check:
    """What takes an answer apart that should be JSON.

    Args:
        schema: JSON Schema that the data must satisfy; None for any JSON.
    """

    def check(text: str) -> tuple[Any, list[str]]:
        try:
            found = json_in(text)
        except TooDeep:
            return None, [_("it is nested too deeply")]
        return (None, [_("there is no JSON in it")]) if found is None else parse(found, schema or {})

    return check


def json_in(text: str, *, decode: Decode = _DECODE) -> str | None:
    """The part of a text that is JSON: all of it, or what stands in a fence, or the longest object or list in it.

    A parser finds it, so that braces in strings, fences in values and remarks around it do no harm. None where there is
    none, and where the longest is cut off or broken: what is inside of that is a piece of the answer, and no answer.

    Raises:
        TooDeep: it has more levels than a parser reads.
    """
    search = _Search(text.strip().removeprefix("\ufeff").strip(), decode)
    if search.end_of(0) == len(search.text):
        return search.text
    return max(search.fenced(), key=len, default=None) or search.longest()


class _Search:
    """One answer, read once from its beginning to its end."""

    def __init__(self, text: str, decode: Decode) -> None:
        self.text = text
        self._decode = decode
        self._read_to = 0
        """How far the last try came."""

        self._broken = False
        """Whether it read JSON that goes on, and cannot be read to its end."""

    def fenced(self) -> Iterator[str]:
        """What is the only thing in a fence."""
        for fence in islice(_FENCE.finditer(self.text), TRIES):
            start = fence.end()
            end = self.end_of(start) if start >= self._read_to else None
            if end is not None:
                rest = self.text[end : end + 1_000].lstrip()
                if not rest or rest.startswith(fence[1]):
                    yield self.text[start:end]

    def longest(self) -> str | None:
        """The longest object or list, if it is whole. What lies in one that breaks off is a piece of it."""
        found, position = "", 0
        for _try in range(TRIES):
            beginning = _BEGINNING.search(self.text, position)
            if beginning is None:
                break
            start = beginning.start()
            end = self.end_of(start)
            if end is not None:
                found = max(found, self.text[start:end], key=len)
            elif self._broken:
                return found if len(found) > len(self.text) - start else None
            position = max(self._read_to, start + 1)
        return found or None

    def end_of(self, start: int) -> int | None:
        """Where the JSON ends that begins there; None where none does.

        Raises:
            TooDeep: nobody can say.
        """
        self._broken = False
        try:
            _data, self._read_to = self._decode(self.text, start)
        except RecursionError:
            raise TooDeep from None
        except json.JSONDecodeError as error:
            unread = self.text[error.pos : error.pos + 5]
            # The parser says of a string that does not end where it began.
            cut = error.msg.startswith("Unterminated") or any(word.startswith(unread) for word in _LITERALS)
            self._broken = cut or _MEANT.match(self.text, start) is not None
            self._read_to = len(self.text) if cut else error.pos
            return None
        except ValueError:
            # A number of more digits than Python reads.
            self._broken, self._read_to = True, len(self.text)
            return None
        return self._read_to
