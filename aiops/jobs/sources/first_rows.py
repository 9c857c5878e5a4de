"""The first rows of another source."""

from __future__ import annotations

from collections.abc import Generator

from django.db.models import Model

from aiops.jobs.sources.rows_of_file import FileSource
from aiops.jobs.sources.source import SourceRow, rows_of
from aiops.resources import Plain


class FirstRows:
    """At most `limit` rows of a file, in its order. (A model's source is limited by its queryset.)"""

    def __init__(self, source: FileSource, limit: int) -> None:
        """Take the first `limit` rows, one at least, of `source`."""
        self._source = source
        self._limit = limit

    @property
    def variables(self) -> frozenset[str]:
        return self._source.variables

    @property
    def model(self) -> type[Model] | None:
        return self._source.model

    def count(self) -> int:
        return min(self._limit, self._source.count())

    def fingerprint(self) -> str:
        return f"{self._source.fingerprint()} {self._limit}"

    def rows(self, most: int | None = None) -> Generator[SourceRow, None, None]:
        return self._source.rows(self._limit if most is None else min(self._limit, most))

    def describe(self) -> str:
        return rows_of(self.count(), self._source.name)

    def as_json(self) -> dict[str, Plain]:
        return {**self._source.as_json(), "limit": self._limit}
