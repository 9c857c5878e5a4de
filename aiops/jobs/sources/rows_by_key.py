"""Rows of a table that somebody has picked one by one: by their keys, in this order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.translation import gettext

from aiops.jobs.sources.rows_of_model import CHUNK, ModelSource, in_turn, told_apart
from aiops.resources import Plain


class PickedSource(ModelSource):
    """Some rows of a queryset. Their keys are held in memory."""

    def __init__(
        self,
        queryset: QuerySet[Any],
        keys: Sequence[Any],
        *,
        which: str,
        selection: Mapping[str, Plain] | None = None,
        **found_again: Any,
    ) -> None:
        """Pick rows.

        Args:
            queryset: the rows that may be read.
            keys: primary keys of those that are wanted and there.
            which: for people, after the number of rows: `changed since`.
            selection: as in `ModelSource`.
            found_again: `among`, `seen_by` and `site` of `ModelSource`.
        """
        super().__init__(queryset, selection=selection, **found_again)
        self._keys = keys
        self._which = which

    def count(self) -> int:
        return len(self._keys)

    def keys(self) -> Iterator[Any]:
        return iter(self._keys)

    def fingerprint(self) -> str:
        return told_apart(self._keys)

    def describe(self) -> str:
        return gettext("%(rows)s, %(which)s") % {"rows": super().describe(), "which": self._which}

    def _chunks(self, most: int | None) -> Iterator[list[Model]]:
        wanted = self._keys if most is None else self._keys[:most]
        if self._looks_beside_rows:
            among: Collection[Any] = set(wanted)
            for chunk in self._slices(None):
                yield [row for row in chunk if row.pk in among]
            return
        rows = self._reader.narrow(self._found_by_key())
        for start in range(0, len(wanted), CHUNK):
            yield in_turn(rows, wanted[start : start + CHUNK])


def keys_there(queryset: QuerySet[Any], texts: Iterable[Sequence[str]]) -> list[Any]:
    """The primary keys of those rows that are there, in the order of the texts that stand for them.

    Args:
        texts: some hundred at a time.
    """
    field = queryset.model._meta.pk
    there: list[Any] = []
    rows = queryset.order_by()
    for some in texts:
        wanted = []
        for text in some:
            try:
                wanted.append(field.to_python(text))
            except ValidationError:
                # The primary key is of another kind since: no row of now has this one.
                continue
        found = set(rows.filter(pk__in=wanted).values_list("pk", flat=True))
        there += [key for key in wanted if key in found]
    return there
