"""Several conditions on a long log at once: the one that finds fewest leads, and only so many rows are looked at.

Each index of the log that leads to calls of one kind, newest first, ends in the other columns that a list may be
narrowed by: whether a row fits is read from the index, and costs next to nothing. What costs is a pair of conditions
that hardly ever come together, both of them common: without a bound, a page would be a walk through the whole log.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import QuerySet
from django.http import HttpRequest

from aiops.calls.conditions import Condition, Exactly, hidden
from aiops.lists import BoundedChangeList, ExactFilter
from prompts.numbers import number_in

LOOK = 5_000
"""Rows of the leading condition that one list looks at."""

LOOK_INTO = 2_000
"""As `LOOK`, where the rows themselves must be read, since no index holds all that is asked for."""

SAMPLE = 500
"""Rows of each condition from which it is told how rare it is: in what time the newest of them came."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The rows that fit, among those that were looked at."""

    rows: QuerySet[Any]

    last: Any = None
    """Primary key of the last one that was looked at, where there are more; None: all were."""

    looked_at: int = 0
    """How many those are, where there are more."""


def narrow(
    rows: QuerySet[Any], conditions: Sequence[Condition], lead: Condition | None = None, *, since: Any = None
) -> Narrowed:
    """Those of the rows that satisfy all conditions. A query for each way of each of them, at most.

    Args:
        rows: newest first, by the primary key.
        conditions: those first that are likely to find fewest.
        lead: the one of them whose index alone holds all the others; None: each index does.
        since: key of the first row; None for the first there is.
    """
    everything, rows = rows, _since(rows, since)
    if not conditions:
        return Narrowed(rows)
    if len(conditions) == 1 and len(conditions[0].ways) == 1:
        return Narrowed(conditions[0].leading(rows))
    lead = lead or _rarest(rows, conditions)
    # Of several ways, each is looked at as far as the others: all of them together are put in order for each page.
    look = LOOK if all(one.is_held for one in conditions) else LOOK_INTO
    last = reached(rows, lead, max(1, look // len(lead.ways))) if lead.ways else _key_at(rows, look)
    # One bound: of two, SQLite takes the first to find its place in an index, however far back that is.
    found = _since(everything, since if last is None else last)
    for condition in conditions:
        found = condition.leading(found) if condition is lead and lead.ways else condition.checked(found)
    if len(lead.ways) > 1:
        # By the key itself, a database would walk through the log in its order and look at each row.
        found = found.order_by(hidden("pk").desc())
    return Narrowed(found, last, look)


def _since(rows: QuerySet[Any], key: Any) -> QuerySet[Any]:
    return rows if key is None else rows.filter(pk__gte=key)


def reached(rows: QuerySet[Any], condition: Condition, place: int) -> Any:
    """Key after which at least `place` rows satisfy it, however many ways there are; None where fewer do, in each."""
    keys = [key for way in condition.ways if (key := _key_at(rows.filter(way), place)) is not None]
    return max(keys, default=None)


def _rarest(rows: QuerySet[Any], conditions: Sequence[Condition]) -> Condition:
    """The condition that few rows satisfy; or, where all are common, the one whose newest rows go back furthest."""
    far = []
    for condition in conditions:
        if condition.ways:
            key = reached(rows, condition, SAMPLE)
            if key is None:
                return condition
            far.append((key, condition))
    return min(far, key=lambda one: one[0])[1] if far else conditions[0]


def _key_at(rows: QuerySet[Any], place: int) -> Any:
    """Key of the row at that place, counted from one; None where there are no more rows after it."""
    keys = list(rows.values_list("pk", flat=True)[place - 1 : place + 1])
    return keys[0] if len(keys) > 1 else None


class ConditionFilter(ExactFilter):
    """By more than the value of one column."""

    field = ""

    @abstractmethod
    def condition(self) -> Condition | None:
        """What is asked of a row; None for what no row can have."""


class SinceFilter(SimpleListFilter):
    """By where the log is to begin."""

    @abstractmethod
    def since(self) -> Any:
        """Key of the first row; None where that is not asked for."""


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
        linked = [_exactly(name, number_in(str(values[-1]))) for name, values in self._linked.items()]
        conditions = [*linked, *map(_condition_of, self.asking())]
        if not all(conditions):
            return rows.none()
        since = [key for one in self.filter_specs if isinstance(one, SinceFilter) and (key := one.since())]
        lead = linked[0] if linked else None
        found = narrow(rows, [one for one in conditions if one], lead, since=max(since, default=None))
        self._last = found.last
        self.looked_at = None if found.last is None else found.looked_at
        return found.rows

    def beyond(self) -> str | None:
        """As for every list; or the query of the list that goes on after the last row that was looked at."""
        query = super().beyond()
        if query is None and self.looked_at is not None:
            query = str(self.get_query_string({"id__lt": str(self._last), PAGE_VAR: None}))
        return query


def _condition_of(one: ExactFilter) -> Condition | None:
    """What a filter asks for; None for what no row can have."""
    if isinstance(one, ConditionFilter):
        return one.condition()
    return _exactly(one.field, one.asked())


def _exactly(column: str, value: Any) -> Exactly | None:
    return None if value is None else Exactly(column, (value,))
