"""Several conditions on a long log at once: the one that finds fewest leads, and only so many rows are looked at.

Each index of the log that leads to calls of one kind, newest first, ends in the other columns that a list may be
narrowed by: whether a row fits is read from the index, and costs next to nothing. What costs is a pair of conditions
that hardly ever come together, both of them common: without a bound, a page would be a walk through the whole log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, CharField, F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from aiops.lists import BoundedChangeList
from prompts.numbers import number_in

LOOK = 5_000
"""Rows of the leading condition that one list looks at."""

SAMPLE = 500
"""Rows of each condition from which it is told how rare it is: in what time the newest of them came."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The rows that fit, among those that were looked at."""

    rows: QuerySet[Any]

    last: Any = None
    """Primary key of the last one that was looked at, where there are more; None: all were."""


def narrow(rows: QuerySet[Any], conditions: Mapping[str, Any], lead: str = "") -> Narrowed:
    """Those of the rows that satisfy all conditions. A query for each of them, at most, where there are several.

    Args:
        rows: newest first, by the primary key.
        conditions: field → value, those first that are likely to find fewest. Each field has an index that goes on with
            the primary key.
        lead: the one of them whose index alone holds all the others; empty: each index does.
    """
    if len(conditions) < 2:
        return Narrowed(rows.filter(**conditions))
    lead = lead or _rarest(rows, conditions)
    found = rows.filter(**{lead: conditions[lead]})
    last = _key_at(found, LOOK)
    for name, value in conditions.items():
        found = found if name == lead else _checked(found, name, value)
    return Narrowed(found if last is None else found.filter(pk__gte=last), last)


def _rarest(rows: QuerySet[Any], conditions: Mapping[str, Any]) -> str:
    """The condition that few rows satisfy; or, where all are common, the one whose newest rows go back furthest."""
    reached = {}
    for name, value in conditions.items():
        reached[name] = _key_at(rows.filter(**{name: value}), SAMPLE)
        if reached[name] is None:
            return name
    return min(reached, key=lambda name: reached[name])


def _key_at(rows: QuerySet[Any], place: int) -> Any:
    """Key of the row at that place, counted from one; None where there are no more rows after it."""
    keys = list(rows.values_list("pk", flat=True)[place - 1 : place + 1])
    return keys[0] if len(keys) > 1 else None


def _checked(rows: QuerySet[Any], field: str, value: Any) -> QuerySet[Any]:
    """Rows whose `field` is `value`, in a form that no index is taken for.

    A database without statistics takes any index that fits, and one with them believes that conditions know nothing of
    each other: either may mean to read half the log for a few rows.
    """
    is_number = isinstance(value, int)
    output = BigIntegerField() if is_number else CharField()
    checked = Coalesce(F(field), Value(0 if is_number else ""), output_field=output)
    found: QuerySet[Any] = rows.alias(**{f"checked_{field}": checked}).filter(**{f"checked_{field}": value})
    return found


class NarrowedList(BoundedChangeList):
    """A list of the log: all that is asked for is looked up together."""

    LINKED = ("item_id", "job_id")
    """What links from other pages narrow it by, beside the filters shown."""

    looked_at: int | None = None
    """Rows that were looked at, where there are more; None: all were."""

    def get_filters(self, request: HttpRequest) -> Any:
        """Django's, without what is looked up together."""
        specs, has_filters, given, *rest = super().get_filters(request)
        others: dict[str, Any] = dict(given)
        # “Clear all filters” goes back to what the link led to.
        self._cleared = {**others}
        self._linked = {name: others.pop(name) for name in self.LINKED if name in others}
        return specs, has_filters, others, *rest

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that satisfy the filters and the link."""
        self.clear_all_filters_qs = self.get_query_string(self._cleared, remove=self.get_filters_params())
        linked = {name: number_in(str(values[-1])) for name, values in self._linked.items()}
        conditions = linked | self.conditions()
        if None in conditions.values():
            return rows.none()
        found = narrow(rows, conditions, next(iter(linked), ""))
        self._last = found.last
        self.looked_at = None if found.last is None else LOOK
        return found.rows

    def beyond(self) -> str | None:
        """As for every list; or the query of the list that goes on after the last row that was looked at."""
        query = super().beyond()
        if query is None and self.looked_at is not None:
            query = str(self.get_query_string({"id__lt": str(self._last)}, remove=["p"]))
        return query
