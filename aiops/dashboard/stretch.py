"""Which days are looked at, and which they are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

DAYS = (7, 30, 90, 180)
MONTH = "month"
CHOICES = (*map(str, DAYS), MONTH)
DEFAULT = "30"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Days from one to another, and as many before them."""

    name: str
    """One of `CHOICES`."""

    first: date
    last: date
    first_before: date
    last_before: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def all_days(self) -> list[date]:
        """Each of them."""
        return [self.first + timedelta(days=number) for number in range(self.days)]


def stretch_of(name: str, today: date) -> Stretch:
    """Such a stretch up to today; the usual one where there is none of that name."""
    if name == MONTH:
        return month_up_to(today)
    return days_up_to(int(name if name in CHOICES else DEFAULT), today)


def days_up_to(number: int, today: date) -> Stretch:
    """So many days, compared with as many right before them."""
    first = today - timedelta(days=number - 1)
    return Stretch(
        name=str(number),
        first=first,
        last=today,
        first_before=first - timedelta(days=number),
        last_before=first - timedelta(days=1),
    )


def month_up_to(today: date) -> Stretch:
    """This month so far, compared with as many days of the month before."""
    first = today.replace(day=1)
    last_of_before = first - timedelta(days=1)
    first_before = last_of_before.replace(day=1)
    return Stretch(
        name=MONTH,
        first=first,
        last=today,
        first_before=first_before,
        last_before=min(last_of_before, first_before + (today - first)),
    )


def label(name: str) -> str:
    """A stretch, for people."""
    if name == MONTH:
        return _("this month")
    return ngettext("%(n)s day", "%(n)s days", int(name)) % {"n": name}


def month_end(day: date) -> date:
    """The last day of its month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
