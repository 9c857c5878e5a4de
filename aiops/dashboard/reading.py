"""What is asked of the database: rows that were added up when the calls ended, never the calls."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, Self

from django.db import connections, router

from aiops.calls.spend import COUNTED, TIMES, Spend
from aiops.dashboard.figures import Figures
from aiops.dashboard.stretch import Stretch

Stamps = Mapping[date, int]
"""Of each day that had calls."""

FRESH = 2
"""Days at the end of a stretch that are read each time: today, and yesterday, whose last calls may end today."""


@dataclass(slots=True, kw_only=True)
class Days:
    """What days came to, of all their calls; those without are left out."""

    figures: dict[date, Figures] = field(default_factory=dict)
    """Without times."""

    stamps: dict[date, int] = field(default_factory=dict)
    """While it is the same, nothing of that day is another."""


def day_by_day(first: date, last: date) -> Days:
    """Read them all."""
    days = Days()
    for text, stamp, *counted in _rows(f"{{day}}, stamp, {', '.join(COUNTED)}", Spend.By.ALL, first, last):
        day = _day(text)
        days.figures[day] = Figures.of(counted)
        days.stamps[day] = stamp
    return days


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

    @classmethod
    def sum(cls, some: Sequence[Self]) -> Self:
        """All of them together."""
        return cls(
            figures=Figures.sum(one.figures for one in some),
            before=Figures.sum(one.before for one in some),
            first=min((one.first for one in some if one.first), default=None),
            last=max((one.last for one in some if one.last), default=None),
        )


def by_key(by: str, stretch: Stretch, stamps: Stamps) -> dict[str, Found]:
    """Of which → what it came to, without times."""
    found: dict[str, Found] = {}
    now = f"key, MIN(day), MAX(day), {_sums(COUNTED)}"
    for key, first, last, *sums in _in_parts(now, by, stretch.first, stretch.last, stamps):
        one = Found(figures=Figures.of(sums), first=_day(first), last=_day(last))
        found[key] = Found.sum([found[key], one]) if key in found else one
    before = f"key, {_sums(('calls', 'cost'))}"
    for key, calls, cost in _in_parts(before, by, stretch.first_before, stretch.last_before, stamps):
        so_far = found.setdefault(key, Found()).before
        found[key].before = Figures(calls=so_far.calls + int(calls), cost=so_far.cost + int(cost))
    return found


def times_of(by: str, keys: Collection[str], stretch: Stretch, stamps: Stamps) -> dict[str, list[int]]:
    """Of which → how many calls took how long, by bucket."""
    found: dict[str, list[int]] = {}
    columns = f"key, {_sums(TIMES)}"
    for key, *times in _in_parts(columns, by, stretch.first, stretch.last, stamps, tuple(sorted(keys))):
        found[key] = [int(now) + so_far for now, so_far in zip(times, found.get(key, _NO_TIMES), strict=True)]
    return found


_NO_TIMES = [0] * len(TIMES)


def _in_parts(
    columns: str, by: str, first: date, last: date, stamps: Stamps, keys: tuple[str, ...] | None = None
) -> Iterator[Any]:
    """One row for each key, or two: one of the days that are over, one of those on which calls still end."""
    over = last - timedelta(days=FRESH)
    state = tuple([(day, stamp) for day, stamp in stamps.items() if first <= day <= over])
    return chain(
        of_days_over(columns, by, first, over, keys, state),
        _rows(columns, by, max(first, over + timedelta(days=1)), last, keys, by_key=True),
    )


@lru_cache(maxsize=128)
def of_days_over(
    columns: str, by: str, first: date, last: date, keys: tuple[str, ...] | None, state: tuple[tuple[date, int], ...]
) -> list[Any]:
    """Kept as long as those days are in the state that they were in: to add up half a year again takes the longest.

    Args:
        state: stamps of the days.
    """
    return _rows(columns, by, first, last, keys, by_key=True) if state else []


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
