"""Rows of tables, each number with the address of the calls behind it.

Put together here and not by a template, which takes ten times as long for as many cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from html import escape
from urllib.parse import quote

from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from aiops.calls.behind import days_text
from aiops.dashboard.chart import OTHERS, Stack
from aiops.dashboard.figures import Figures
from aiops.ledger.money import dollars
from aiops.templatetags.aiops_format import count

DAYS = 31
"""Of more days, the numbers are those of weeks: nobody reads a hundred rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number, and the address of the calls behind it; empty where no list holds just these."""

    text: str
    url: str = ""

    @property
    def html(self) -> str:
        """As it stands in a table."""
        text = escape(self.text, quote=False)
        return f'<a href="{escape(self.url)}">{text}</a>' if self.url else text


def row(head: str, cells: Iterable[Cell]) -> str:
    """A row of a table, whose first cell names it."""
    shown = "".join([f'<td class="aiops-number">{cell.html}</td>' for cell in cells])
    return f'<tr><th scope="row">{escape(head)}</th>{shown}</tr>'


def rows(some: Iterable[tuple[str, Iterable[Cell]]]) -> SafeString:
    """All rows of a table."""
    return mark_safe("".join([row(head, cells) for head, cells in some]))  # noqa: S308 - `row` escapes what it is given


def numbers(stack: Stack, days: Mapping[date, Figures], address: str) -> SafeString:
    """What is behind the bars, newest first: calls, cost, and the cost of each model.

    Args:
        days: what each day came to; where there were no calls is no row.
        address: of the list of calls.
    """
    asked = ["" if model == OTHERS else f"&model={quote(model, safe='')}" for model in stack.models]
    places = {day: place for place, day in enumerate(stack.days)}

    def told(some: list[date]) -> tuple[str, list[Cell]]:
        here = f"{address}?days={days_text(some[0], some[-1])}"
        cells = [
            Cell(text=count(sum([days[day].calls for day in some])), url=here),
            Cell(text=dollars(sum([days[day].cost for day in some])), url=here),
        ]
        spread = slice(places[some[0]], places[some[-1]] + 1)
        for costs, narrower in zip(stack.costs, asked, strict=True):
            cost = sum(costs[spread])
            cells.append(
                Cell(text=dollars(cost), url=f"{here}{narrower}" if narrower else "") if cost else Cell(text="–")
            )
        return _days(some[0], some[-1]), cells

    return rows(told(some) for some in _together(sorted(days), by_week=len(stack.days) > DAYS))


def _days(first: date, last: date) -> str:
    return " – ".join([_day(day, get_language()) for day in dict.fromkeys((first, last))])


@lru_cache(maxsize=2000)
def _day(day: date, language: str | None) -> str:
    """It takes longer to put a date in words than to add up what it cost."""
    return date_format(day, "SHORT_DATE_FORMAT")


def _together(days: list[date], *, by_week: bool) -> Iterator[list[date]]:
    """Each day, or the days of each week, the newest first."""
    weeks: dict[date, list[date]] = {}
    for day in days:
        weeks.setdefault(day - timedelta(days=day.weekday()) if by_week else day, []).append(day)
    yield from reversed(weeks.values())
