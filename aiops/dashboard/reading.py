"""What is asked of the database: rows that were added up when the calls ended, never the calls."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Max, Min, QuerySet, Sum

from aiops.calls.spend import COUNTED, TIMES, Spend
from aiops.dashboard.figures import Figures
from aiops.dashboard.stretch import Stretch


def day_by_day(first: date, last: date) -> dict[date, Figures]:
    """Day → all that its calls came to; days without calls are left out. Without times."""
    rows = _of(Spend.By.ALL, first, last).values("day", *COUNTED)
    return {row["day"]: Figures(**{name: row[name] for name in COUNTED}) for row in rows}


def times_in_all(stretch: Stretch) -> list[int]:
    """How many of all calls took how long, by bucket."""
    return _times(_of(Spend.By.ALL, stretch.first, stretch.last).aggregate(**_sums(TIMES)))


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
    now = _of(by, stretch.first, stretch.last).values("key")
    for row in now.annotate(**_sums(COUNTED), first=Min("day"), last=Max("day")):
        found[row["key"]] = Found(figures=_figures(row, COUNTED), first=row["first"], last=row["last"])
    before = _of(by, stretch.first_before, stretch.last_before).values("key")
    for row in before.annotate(**_sums(("calls", "cost"))):
        found.setdefault(row["key"], Found()).before = _figures(row, ("calls", "cost"))
    return found


def times_of(by: str, keys: Collection[str], stretch: Stretch) -> dict[str, list[int]]:
    """Of which → how many calls took how long, by bucket."""
    rows = _of(by, stretch.first, stretch.last).filter(key__in=keys).values("key").annotate(**_sums(TIMES))
    return {row["key"]: _times(row) for row in rows}


def _of(by: str, first: date, last: date) -> QuerySet[Any]:
    return Spend.objects.filter(by=by, day__gte=first, day__lte=last).order_by()


def _sums(names: Collection[str]) -> dict[str, Any]:
    return {f"sum_{name}": Sum(name) for name in names}


def _figures(row: Mapping[str, Any], names: Collection[str]) -> Figures:
    return Figures(**{name: row[f"sum_{name}"] for name in names})


def _times(row: Mapping[str, Any]) -> list[int]:
    return [row[f"sum_{name}"] or 0 for name in TIMES]
