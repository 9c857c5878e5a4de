"""Rows of a file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import asdict

from aiops.jobs.sources import FileSource
from aiops.jobs.sources.first_rows import FirstRows
from aiops.jobs.unread.unread import Placed
from aiops.resources import Plain


class UnreadFile:
    """A file does not change, and all of it was looked at before: what has been read is passed over."""

    def __init__(self, source: FileSource | FirstRows) -> None:
        self._source = source
        self._file = source.source if isinstance(source, FirstRows) else source

    def read(self, after: int) -> Generator[Placed, None, None]:
        for place, row in enumerate(self._source.rows(), start=1):
            if place > after:
                yield place, row

    def as_json(self) -> dict[str, Plain]:
        limit = self._source.limit if isinstance(self._source, FirstRows) else None
        upload = self._file.upload
        return {"kind": "file", "name": upload.name, "limits": asdict(upload.limits), "limit": limit}

    def parts(self) -> Iterator[bytes]:
        yield self._file.upload.data
