"""Where the month is going: at the rate of the last days, to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from aiops.dashboard.figures import Figures
from aiops.dashboard.stretch import month_end

WEEK = 7
"""Whole days whose mean is the rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Nano-dollars, of the calls whose cost is known."""

    today: int
    month: int
    at_end: int | None
    """What the month will come to; None where no whole day has passed since the first call."""

    a_day: int | None
    """At this rate."""

    ends: date


def outlook(days: Mapping[date, Figures], now: datetime) -> Outlook:
    """Reckon with the mean of the last seven whole days, of those since the first call.

    Args:
        days: what the days of this month came to, and those of the week before.
    """
    here = timezone.localtime(now, timezone.get_default_timezone())
    today = here.date()
    spent_today = days[today].cost if today in days else 0
    month = sum(one.cost for day, one in days.items() if (day.year, day.month) == (today.year, today.month))
    whole = [day for number in range(1, WEEK + 1) if (day := today - timedelta(days=number))]
    begun = min((day for day in days if day < today), default=None)
    counted = [day for day in whole if begun and day >= begun]
    ends = month_end(today)
    if not counted:
        return Outlook(today=spent_today, month=month, at_end=None, a_day=None, ends=ends)
    a_day = sum(days[day].cost for day in counted if day in days) // len(counted)
    of_today = (here - here.replace(hour=0, minute=0, second=0, microsecond=0)) / timedelta(days=1)
    left = (ends - today).days + 1 - of_today
    return Outlook(today=spent_today, month=month, at_end=month + round(a_day * left), a_day=a_day, ends=ends)
