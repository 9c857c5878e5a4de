"""The JSON in an answer, whatever a model puts around it: fences, an introduction, a farewell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from aiops.execution.judge import parse
from aiops.execution.prepare import Check

TRIES = 1_000
"""Most beginnings that are tried in one answer: beyond that it is noise."""

_BEGINNING = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder()


def check_json(schema: Mapping[str, Any] | None = None) -> Check:
    """What takes an answer apart that should be JSON.

    Args:
        schema: JSON Schema that the data must satisfy; None for any JSON.
    """

    def check(text: str) -> tuple[Any, list[str]]:
        found = json_in(text)
        return (None, [_("there is no JSON in it")]) if found is None else parse(found, schema or {})

    return check


def json_in(text: str) -> str | None:
    """The part of a text that is JSON: all of it, or else the longest object or list in it. None where there is none.

    A parser finds it, so that braces in strings, fences in values and remarks around it do no harm.
    """
    whole = text.strip().removeprefix("\ufeff")
    if _end(whole, 0) == len(whole):
        return whole
    return max(_parts(whole), key=len, default=None)


def _parts(text: str) -> Iterator[str]:
    position = 0
    for _try in range(TRIES):
        beginning = _BEGINNING.search(text, position)
        if beginning is None:
            return
        end = _end(text, beginning.start())
        if end is not None:
            yield text[beginning.start() : end]
        position = end or beginning.end()


def _end(text: str, start: int) -> int | None:
    try:
        _data, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return end
