"""What a list of a log may be narrowed by: each condition can lead the way along an index, or be checked row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, In, IsNull

from aiops.calls.models import Call

M = TypeVar("M", bound=Model)

MOST_WAYS = 40
"""Values that are each followed along the index: each costs a query or two. With more, rows are looked at by time."""


HELD = frozenset({"status", "connection", "prompt_version"})
"""Columns that the indexes of one another hold, and that of the job."""


class Condition(Protocol):
    """What is asked of a row."""

    @property
    def is_held(self) -> bool:
        """Whether it can be checked without reading the row."""
        ...

    @property
    def ways(self) -> tuple[Q, ...]:
        """Parts of it, of which each has an index that goes on with the primary key; none where they are too many."""
        ...

    def leading(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Rows that satisfy it, found along its indexes."""
        ...

    def checked(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Rows that satisfy it, in a form that no index is taken for.

        A database without statistics takes any index that fits, and one with them believes that conditions know nothing
        of each other: either may mean to read half the log for a few rows.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Exactly:
    """One of some values in a column, or in what is reckoned from several."""

    column: str | Combinable
    values: tuple[Any, ...]

    @property
    def is_held(self) -> bool:
        return self.column in HELD | {"job_id", "item_id"}

    @property
    def ways(self) -> tuple[Q, ...]:
        return () if len(self.values) > MOST_WAYS else tuple(Q(Exact(_of(self.column), value)) for value in self.values)

    def leading(self, rows: QuerySet[M]) -> QuerySet[M]:
        if len(self.values) == 1:
            return rows.filter(Exact(_of(self.column), self.values[0]))
        return rows.filter(In(_of(self.column), list(self.values)))

    def checked(self, rows: QuerySet[M]) -> QuerySet[M]:
        return rows.filter(In(hidden(self.column), list(self.values)))


class UnknownCost:
    """Nobody knows what it cost, and it is over."""

    is_held = False
    ways = (Q(cost__isnull=True) & ~Q(status=Call.Status.SENDING),)

    def leading(self, rows: QuerySet[M]) -> QuerySet[M]:
        return rows.filter(*self.ways)

    def checked(self, rows: QuerySet[M]) -> QuerySet[M]:
        return rows.filter(IsNull(hidden("cost"), True)).exclude(Exact(hidden("status"), Call.Status.SENDING))


class Reused:
    """Its answer was there already."""

    is_held = False
    ways = (Q(reused_from__isnull=False),)

    def leading(self, rows: QuerySet[M]) -> QuerySet[M]:
        return rows.filter(*self.ways)

    def checked(self, rows: QuerySet[M]) -> QuerySet[M]:
        return rows.filter(IsNull(hidden("reused_from"), False))


def hidden(column: str | Combinable) -> Coalesce:
    """What is in a column, as no index knows it."""
    return Coalesce(_of(column), _of(column))


def _of(column: str | Combinable) -> Combinable:
    return F(column) if isinstance(column, str) else column
