"""What is asked of the database: rows that were added up when the calls ended, never the calls."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connections, router
from django.db.models import QuerySet

from aiops.calls.spend import COUNTED, TIMES, Spend
from aiops.dashboard.figures import Figures
from aiops.dashboard.stretch import Stretch


def day_by_day(first: date, last: date) -> dict[date, Figures]:
    """Day → all that its calls came to; days without calls are left out. Without times."""
    rows = _of(Spend.By.ALL, first, last).values("day", *COUNTED)
    return {row["day"]: Figures(**{name: row[name] for name in COUNTED}) for row in rows}


def costs_of_models(stretch: Stretch) -> dict[tuple[date, str], int]:
    """Day and model → nano-dollars."""
    rows = _of(Spend.By.MODEL, stretch.first, stretch.last).values_list("day", "key", "cost")
    return {(day, model): cost for day, model, cost in rows if cost}


@dataclass(slots=True, kw_only=True)
class Found:
    """What one version, model, … came to."""

    figures: Figures = field(default_factory=Figures)
    before: Figures = field(default_factory=Figures)
    """In the stretch before: calls and cost alone."""

    first: date | None = None
    last: date | None = None
    """Days of the stretch between which there were calls."""


def by_key(by: str, stretch: Stretch) -> dict[str, Found]:
    """Of which → what it came to, without times."""
    found: dict[str, Found] = {}
    now = "MIN(day), MAX(day), " + _sums(COUNTED)
    for key, first, last, *sums in _rows(now, by, stretch.first, stretch.last):
        figures = Figures(**dict(zip(COUNTED, map(int, sums), strict=True)))
        found[key] = Found(figures=figures, first=_day(first), last=_day(last))
    for key, calls, cost in _rows(_sums(("calls", "cost")), by, stretch.first_before, stretch.last_before):
        found.setdefault(key, Found()).before = Figures(calls=int(calls), cost=int(cost))
    return found


def times_of(by: str, stretch: Stretch, keys: Collection[str] | None = None) -> dict[str, list[int]]:
    """Of which → how many calls took how long, by bucket.

    Args:
        keys: of these alone; None for all there are.
    """
    rows = _rows(_sums(TIMES), by, stretch.first, stretch.last, keys)
    return {key: [int(number) for number in times] for key, *times in rows}


def _rows(columns: str, by: str, first: date, last: date, keys: Collection[str] | None = None) -> list[tuple[Any, ...]]:
    """A row for each key. Written out: for so many sums the ORM takes longer than the database."""
    if keys is not None and not keys:
        return []
    database = connections[router.db_for_read(Spend)]
    days = [database.ops.adapt_datefield_value(day) for day in (first, last)]
    among = f" AND key IN ({', '.join(['%s'] * len(keys))})" if keys is not None else ""
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT key, {columns} FROM {Spend._meta.db_table} "  # noqa: S608 - names come from here, values are bound
            f'WHERE "by" = %s AND day BETWEEN %s AND %s{among} GROUP BY key',
            [by, *days, *(keys or ())],
        )
        return cursor.fetchall()


def _sums(names: Collection[str]) -> str:
    return ", ".join(f"SUM({name})" for name in names)


def _day(value: date | str) -> date:
    """SQLite knows no dates."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def _of(by: str, first: date, last: date) -> QuerySet[Any]:
    return Spend.objects.filter(by=by, day__gte=first, day__lte=last).order_by()
