"""Rows of a model, by their keys: which rows and in which order is settled when the job is asked for."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import count, islice
from typing import Any

from aiops.jobs.sources import ModelSource
from aiops.jobs.unread.unread import Placed
from aiops.resources import Plain

KEYS = 10_000
"""Keys of a part: some ten kilobytes where they are numbers that rise."""

ROWS = 1_000
"""Rows that are fetched at once."""


class UnreadKeys:
    """What rows hold is read when their turn comes; those that are gone by then are left out, others are not added."""

    def __init__(self, source: ModelSource, part: Callable[[int], bytes | None]) -> None:
        """
        Args:
            source: in which the rows are found.
            part: gives the part of a number, from 0; None behind the last.
        """
        self._source = source
        self._part = part

    def read(self, after: int) -> Generator[Placed, None, None]:
        to_key = self._source.model._meta.pk.to_python
        for number in count(after // KEYS):
            part = self._part(number)
            if part is None:
                return
            keys = [to_key(text) for text in _texts(part)]
            for start in range(max(0, after - number * KEYS), len(keys), ROWS):
                before = number * KEYS + start + 1
                for place, row in self._source.read_keys(keys[start : start + ROWS]):
                    yield before + place, row

    def as_json(self) -> dict[str, Plain]:
        return {"kind": "keys", "model": self._source.model._meta.label, **self._source.found_again}

    def parts(self) -> Iterator[bytes]:
        for number in count():
            part = self._part(number)
            if part is None:
                return
            yield part


def packed(keys: Iterable[Any]) -> list[bytes]:
    """Keys in their order, as parts: a few bytes each, however many they are."""
    rest = iter(keys)
    return [_packed(some) for some in iter(lambda: list(islice(rest, KEYS)), [])]


def _packed(keys: Sequence[Any]) -> bytes:
    return zlib.compress(json.dumps([str(key) for key in keys]).encode())


def _texts(part: bytes) -> list[str]:
    texts: list[str] = json.loads(zlib.decompress(part))
    return texts
