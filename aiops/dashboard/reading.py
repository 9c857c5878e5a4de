"""What is asked of the database: rows that were added up when the calls ended, never the calls."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from django.db import connections, router

from aiops.calls.spend import COUNTED, TIMES, Spend
from aiops.dashboard.figures import Figures
from aiops.dashboard.stretch import Stretch


def day_by_day(first: date, last: date) -> dict[date, Figures]:
    """Day → all that its calls came to; days without calls are left out. Without times."""
    rows = _rows(f"{{day}}, {', '.join(COUNTED)}", Spend.By.ALL, first, last)
    return {_day(day): Figures.of(counted) for day, *counted in rows}


def any_calls() -> bool:
    """Whether any call was ever counted."""
    return Spend.objects.filter(by=Spend.By.ALL, calls__gt=0).exists()


def costs_of_models(stretch: Stretch) -> dict[tuple[date, str], int]:
    """Day and model → nano-dollars."""
    rows = _rows("{day}, key, cost", Spend.By.MODEL, stretch.first, stretch.last)
    return {(_day(day), model): cost for day, model, cost in rows if cost}


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
    now = f"key, MIN({{day}}), MAX({{day}}), {_sums(COUNTED)}"
    for key, first, last, *sums in _rows(now, by, stretch.first, stretch.last, by_key=True):
        found[key] = Found(figures=Figures.of(sums), first=_day(first), last=_day(last))
    before = f"key, {_sums(('calls', 'cost'))}"
    for key, calls, cost in _rows(before, by, stretch.first_before, stretch.last_before, by_key=True):
        found.setdefault(key, Found()).before = Figures(calls=int(calls), cost=int(cost))
    return found


def times_of(by: str, keys: Collection[str], stretch: Stretch) -> dict[str, list[int]]:
    """Of which → how many calls took how long, by bucket."""
    rows = _rows(f"key, {_sums(TIMES)}", by, stretch.first, stretch.last, keys, by_key=True)
    return {key: [int(number) for number in times] for key, *times in rows}


def _rows(
    columns: str, by: str, first: date, last: date, keys: Collection[str] | None = None, *, by_key: bool = False
) -> list[Any]:
    """Written out: for so many sums and rows the ORM takes longer than the database.

    Args:
        columns: `{day}` stands for the day.
        keys: of these alone; None for all there are.
        by_key: one row for each key.
    """
    if keys is not None and not keys:
        return []
    database = connections[router.db_for_read(Spend)]
    days = [database.ops.adapt_datefield_value(day) for day in (first, last)]
    among = f" AND key IN ({', '.join(['%s'] * len(keys))})" if keys is not None else ""
    # To make dates of text takes the driver longer than to find it.
    day = "CAST(day AS TEXT)" if database.vendor == "sqlite" else "day"
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns.format(day=day)} FROM {Spend._meta.db_table} "  # noqa: S608 - names come from here, values are bound
            f'WHERE "by" = %s AND day BETWEEN %s AND %s{among}{" GROUP BY key" if by_key else ""}',
            [by, *days, *(keys or ())],
        )
        return list(cursor.fetchall())


def _sums(names: Collection[str]) -> str:
    return ", ".join(f"SUM({name})" for name in names)


def _day(value: date | str) -> date:
    return _date(value) if isinstance(value, str) else value


_date = lru_cache(maxsize=1000)(date.fromisoformat)
