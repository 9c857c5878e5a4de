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
        self.source = source
        self.limit = limit

    @property
    def variables(self) -> frozenset[str]:
        return self.source.variables

    @property
    def model(self) -> type[Model] | None:
        return self.source.model

    def count(self) -> int:
        return min(self.limit, self.source.count())

    def fingerprint(self) -> str:
        return f"{self.source.fingerprint()} {self.limit}"

    def rows(self, most: int | None = None) -> Generator[SourceRow, None, None]:
        return self.source.rows(self.limit if most is None else min(self.limit, most))

    def describe(self) -> str:
        return rows_of(self.count(), self.source.name)

    def as_json(self) -> dict[str, Plain]:
        return {**self.source.as_json(), "limit": self.limit}
