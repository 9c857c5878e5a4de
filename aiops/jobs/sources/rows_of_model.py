"""Rows of a table, read through the model's source."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from django.apps import apps
from django.db.models import Model, QuerySet
from django.utils.translation import gettext

from aiops.jobs.sources.errors import BadLimit, UnknownModel, UnreadableRow, choose_from
from aiops.jobs.sources.selection import filtered, only_empty, ordered
from aiops.jobs.sources.source import SourceRow, rows_of
from aiops.resources import Plain, ResourceError, registered_models, source_of

CHUNK = 1_000
"""Rows that are held in memory at once."""

KEYS = 10_000
"""Keys that are fetched at once."""


class Among(StrEnum):
    """Which rows of a model a key is looked for among."""

    MODEL = "model"
    """All that there are: the shop's code has said which are meant."""

    SOURCE = "source"
    """Those that its source reads."""

    SEEN = "seen"
    """Those that a person sees in the admin."""


class ModelSource:
    """The rows of a queryset; of each only what the model's source allows."""

    def __init__(
        self,
        queryset: QuerySet[Any],
        *,
        selection: Mapping[str, Plain] | None = None,
        among: Among = Among.MODEL,
        seen_by: Any = None,
        site: str = "",
    ) -> None:
        """Read `queryset` through the source of its model.

        Args:
            queryset: in its own order, ties by primary key; by primary key alone where it has none of its own.
            selection: how the rows were chosen, as far as it can be said, for `as_json()`.
            among: where a row of it is found again by its key.
            seen_by: primary key of the person of whose rows these are some.
            site: name of the admin site that gives that person rows; empty for whichever does.

        Raises:
            NotRegistered: its model has no source.
        """
        self._spec = source_of(queryset.model)
        self._reader = self._spec.reader()
        self._selection = dict(selection or {})
        self.found_again: dict[str, Plain] = {
            "among": str(among),
            "seen_by": None if seen_by is None else str(seen_by),
            "site": site,
        }
        """Where another process looks for its rows by their keys."""
        if not (queryset.query.is_sliced or queryset.query.combinator):
            queryset = queryset.order_by(*queryset.query.order_by, "pk")
        self.queryset = queryset

    @property
    def variables(self) -> frozenset[str]:
        return self._reader.names

    @property
    def model(self) -> type[Model]:
        model: type[Model] = self.queryset.model
        return model

    def count(self) -> int:
        return self.queryset.count()

    def fingerprint(self) -> str:
        """Of the keys of the rows, read one by one. What else a row holds may change."""
        chosen = self.queryset if self.queryset.query.is_sliced else self.queryset.order_by()
        return told_apart(_keys_of(chosen))

    def rows(self, most: int | None = None) -> Generator[SourceRow, None, None]:
        """The rows in order; those that went after their keys were read are left out.

        Only the keys are held, for as long as it takes: no cursor stays open between two rows. On SQLite one would keep
        what it sees, and whoever reads it could write no more as soon as somebody else has.

        Raises:
            UnreadableRow: the source fails on a row.
        """
        for chunk in self._chunks(most):
            for instance in chunk:
                yield SourceRow(self._variables(instance), str(instance.pk))

    def keys(self) -> Iterator[Any]:
        """The primary keys of its rows, in their order."""
        return _keys_of(self.queryset)

    @property
    def is_found_by_key(self) -> bool:
        """Whether its keys are enough to read its rows, now or later, here or elsewhere."""
        rows: Any = self.queryset
        # What the shop's code has put on its rows, or chosen them from, their keys do not say.
        has_more = bool(rows.query.annotations or rows.query.extra or rows._prefetch_related_lookups)
        is_chosen = rows._db is not None
        return not (self._looks_beside_rows or is_chosen or (has_more and self.found_again["among"] == Among.MODEL))

    def read_keys(self, keys: Sequence[Any]) -> Iterator[tuple[int, SourceRow]]:
        """The rows of some hundred keys, each with its place among them; those that are gone are left out.

        Raises:
            UnreadableRow: the source fails on a row.
        """
        rows = self._reader.narrow(self._found_by_key())
        found = {row.pk: row for row in rows.filter(pk__in=keys)}
        for place, key in enumerate(keys):
            if key in found:
                yield place, SourceRow(self._variables(found[key]), str(key))

    def _chunks(self, most: int | None) -> Iterator[list[Model]]:
        if most is not None and most <= CHUNK:
            yield list(self._reader.narrow(self.queryset[:most]))
            return
        if self._looks_beside_rows:
            yield from self._slices(most)
            return
        keys = list(_keys_of(self.queryset if most is None else self.queryset[:most]))
        rows = self._reader.narrow(self._found_by_key())
        for start in range(0, len(keys), CHUNK):
            yield in_turn(rows, keys[start : start + CHUNK])

    @property
    def _looks_beside_rows(self) -> bool:
        """Whether what is read of a row depends on the rows beside it, which a look-up by key would leave out."""
        return any(one.contains_over_clause for one in self.queryset.query.annotations.values())

    def _slices(self, most: int | None) -> Iterator[list[Model]]:
        start = 0
        while most is None or start < most:
            end = start + CHUNK if most is None else min(start + CHUNK, most)
            chunk = list(self._reader.narrow(self.queryset[start:end]))
            if not chunk:
                return
            yield chunk
            start = end

    def _found_by_key(self) -> QuerySet[Any]:
        """The rows once more, so that some of them can be asked for: in no order, and whole where they are a slice."""
        if self.queryset.query.combinator:
            # Django filters no union. Which rows are in it, their keys have said.
            return self.model._base_manager.using(self.queryset.db)
        whole = self.queryset.all()
        whole.query.clear_limits()
        return whole.order_by()

    def _variables(self, instance: Model) -> dict[str, Plain]:
        try:
            return self._reader.variables(instance)
        # A dehydrate method, a property or a widget of the shop: it may raise anything.
        except Exception as error:
            why = str(error) if isinstance(error, ResourceError) else f"{type(error).__name__}: {error}"
            raise UnreadableRow(
                gettext("%(source)s cannot read the row %(key)s of %(model)s: %(why)s")
                % {
                    "source": self._spec.source.__name__,
                    "key": instance.pk,
                    "model": self._spec.label,
                    "why": why,
                },
                str(instance.pk),
            ) from error

    def describe(self) -> str:
        return rows_of(self.count(), self.model._meta.label)

    def as_json(self) -> dict[str, Plain]:
        return {"kind": "model", "model": self.model._meta.label, **self._selection}


def model_source(
    model: str,
    *,
    filters: list[str] | tuple[str, ...] = (),
    order: str = "",
    limit: int | None = None,
    empty: str = "",
    queryset: QuerySet[Any] | None = None,
    also: Mapping[str, Plain] | None = None,
    seen_by: Any = None,
    site: str = "",
) -> ModelSource:
    """Rows of a model, chosen in words.

    Args:
        model: `helpdesk.Ticket`.
        filters: `category=refund`, `text__icontains=card`, `pk__in=1,2`; all must hold.
        order: fields separated by commas, each with `-` for descending; where empty, that of `queryset`, or else by
            primary key.
        limit: the greatest number of rows.
        empty: a field; only rows where it is NULL or holds nothing.
        queryset: the rows to choose from, where not everybody may read all of them.
        also: what else is to be kept of how they were chosen.
        seen_by: as in `ModelSource`, where `queryset` is what a person sees.
        site: as in `ModelSource`.

    Raises:
        BadSelection: one of these makes no sense; the sentence names what would.
        NotRegistered: the model has no source.
    """
    if limit is not None and limit < 1:
        raise BadLimit(gettext("The limit is %(limit)s: give a number of rows of at least 1.") % {"limit": limit})
    found = _model(model)
    spec = source_of(found)
    if queryset is None:
        queryset = spec.source().get_queryset()
    chosen = filtered(queryset, filters)
    if empty:
        chosen = only_empty(chosen, empty)
    chosen = ordered(chosen, order) if order or not chosen.query.order_by else _settled(chosen)
    if limit is not None:
        chosen = chosen[:limit]
    selection: dict[str, Plain] = {"filters": [*filters], "order": order, "limit": limit, "empty": empty}
    selection |= also or {}
    among = Among.SOURCE if seen_by is None else Among.SEEN
    return ModelSource(chosen, selection=selection, among=among, seen_by=seen_by, site=site)


def _settled(chosen: QuerySet[Any]) -> QuerySet[Any]:
    """In its own order, ties by primary key: else a limit would choose other rows each time."""
    return chosen.order_by(*chosen.query.order_by, "pk")


def told_apart(keys: Iterable[Any]) -> str:
    """Another text for other keys, in whatever order they come."""
    total = 0
    for key in keys:
        # A sum, for which the order means nothing and no more than one key is held.
        total += int.from_bytes(hashlib.sha256(str(key).encode()).digest()[:16])
    return f"{total % 2**128:032x}"


def _keys_of(chosen: QuerySet[Any]) -> Iterator[Any]:
    """The primary keys of rows, in their order, whatever else they are."""
    if chosen.query.combinator:
        # A union can be in the order only of what it selects.
        return (row.pk for row in chosen.iterator(chunk_size=CHUNK))
    keys: QuerySet[Any] = chosen.prefetch_related(None).values_list("pk", flat=True)
    return iter(keys.iterator(chunk_size=KEYS))


def in_turn(rows: QuerySet[Any], keys: Sequence[Any]) -> list[Model]:
    """The rows of these keys, in their order."""
    found = {row.pk: row for row in rows.filter(pk__in=keys)}
    return [found[key] for key in keys if key in found]


def _model(label: str) -> type[Model]:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        choices = [model._meta.label for model in registered_models()]
        raise UnknownModel(
            gettext("There is no model “%(label)s”; %(choices)s.")
            % {"label": label, "choices": choose_from(label, choices)},
            choices,
        ) from None
