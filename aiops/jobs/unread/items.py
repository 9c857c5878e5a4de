"""Rows of a file that an earlier job has kept as its items."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from aiops.jobs.again import ItemSource
from aiops.jobs.unread.unread import Placed
from aiops.resources import Plain


class UnreadItems:
    """The place of a row is its position in the earlier job."""

    def __init__(self, source: ItemSource) -> None:
        self._source = source

    def read(self, after: int) -> Generator[Placed, None, None]:
        yield from self._source.numbered(after)

    def as_json(self) -> dict[str, Plain]:
        return {"kind": "items", **self._source.found_again}

    def parts(self) -> Iterator[bytes]:
        return iter(())
