"""Where it went, as the page, the command and the file show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from aiops.calls.spend import Spend
from aiops.dashboard.breakdown import SHOWN, Breakdown, break_down
from aiops.dashboard.figures import Figures
from aiops.dashboard.rate import WEEK, Outlook, outlook
from aiops.dashboard.reading import day_by_day, times_of
from aiops.dashboard.stretch import Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was spent in a stretch of days, and by what."""

    stretch: Stretch
    total: Figures
    before: Figures
    """In the stretch before, without times."""

    days: dict[date, Figures]
    """Those of the stretch that had calls, without times."""

    outlook: Outlook
    broken_down: Breakdown


def report_on(by: str, stretch: Stretch, now: datetime, *, most: int | None = SHOWN) -> Report:
    """Read it: as many queries for many calls as for one.

    Args:
        by: one of `aiops.dashboard.breakdown.BY`.
        most: lines; None for all there are.
    """
    today = today_of(now)
    earliest = min(stretch.first_before, today.replace(day=1) - timedelta(days=WEEK))
    read = day_by_day(earliest, today)
    days, stamps = read.figures, read.stamps
    within = {day: one for day, one in days.items() if stretch.first <= day <= stretch.last}
    before = Figures.sum(one for day, one in days.items() if stretch.first_before <= day <= stretch.last_before)
    total = Figures.sum(within.values()).timed(times_of(Spend.By.ALL, [""], stretch, stamps).values())
    return Report(
        stretch=stretch,
        total=total,
        before=before,
        days=within,
        outlook=outlook({day: one for day, one in days.items() if day >= today.replace(day=1) - timedelta(WEEK)}, now),
        broken_down=break_down(by, stretch, total, stamps, most=most),
    )


def today_of(now: datetime) -> date:
    """The day of the site, not of whoever looks: else one day of money would be two."""
    return timezone.localdate(now, timezone.get_default_timezone())
