"""Rows in one order that does not change any more, each with its place: what has been read is told by one number."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Protocol

from aiops.jobs.sources import Source, SourceRow
from aiops.resources import Plain

Placed = tuple[int, SourceRow]
"""The place of a row, from 1, rising; and the row. Places of rows that are gone are left out."""


class Unread(Protocol):
    """What a planner reads."""

    def read(self, after: int) -> Generator[Placed, None, None]:
        """The rows behind a place, one at a time. Nothing in the database stays open between two.

        Raises:
            SourceError: one cannot be read.
        """
        ...

    def as_json(self) -> dict[str, Plain] | None:
        """From what another process makes it anew, beside its parts; None where none can."""
        ...

    def parts(self) -> Iterator[bytes]:
        """What is kept for that until all is read."""
        ...


class OnlyHere:
    """Rows of a source of the shop's own: no other process knows where they come from, and all are read at once."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, after: int) -> Generator[Placed, None, None]:
        for place, row in enumerate(self._source.rows(), start=1):
            if place > after:
                yield place, row

    def as_json(self) -> None:
        return None

    def parts(self) -> Iterator[bytes]:
        return iter(())
