"""What the page of spend shows, in words and addresses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from aiops.calls.behind import query_of
from aiops.dashboard.breakdown import BY, Line
from aiops.dashboard.budgets import budget_lines
from aiops.dashboard.chart import stacked, svg
from aiops.dashboard.figures import Figures
from aiops.dashboard.numbers import Cell, numbers, rows
from aiops.dashboard.reading import any_calls, costs_of_models
from aiops.dashboard.report import Report, report_on, today_of
from aiops.dashboard.stretch import CHOICES, label, stretch_of
from aiops.dashboard.table import outside_label
from aiops.dashboard.words import by_label, change, forecast, percent
from aiops.ledger.money import dollars
from aiops.templatetags.aiops_format import count, duration

FIELDS = {"job": "job_id"}
"""Filters of the list of calls that are not called as what they are of."""


def asked(request: HttpRequest) -> tuple[str, str]:
    """By what, and over which days, an address asks; the usual where it asks for what there is not."""
    by, days = request.GET.get("by", ""), request.GET.get("days", "")
    return by if by in BY else "prompt", days


def page_context(request: HttpRequest, *, site: str, now: datetime) -> dict[str, Any]:
    """Everything on the page.

    Args:
        site: name of the admin site, whose addresses it leads to.
    """
    by, days = asked(request)
    report = report_on(by, stretch_of(days, today_of(now)), now)
    calls = reverse("admin:aiops_call_changelist", current_app=site)
    stack = stacked(costs_of_models(report.stretch), report.stretch.all_days())
    may_see_budgets = request.user.has_perm("aiops.view_budget")
    return {
        "is_empty": not report.total.calls and not report.before.calls and not any_calls(),
        "heads": heads(report, calls, now),
        "forecast": forecast(report.outlook),
        "budgets": budget_lines(report.outlook, now) if may_see_budgets else [],
        "stretch": report.stretch,
        "chart": svg(stack, calls) if stack.costs else "",
        "legend": stack.legend(),
        "numbers": numbers(stack, report.days, calls),
        "movers": [(line.name, cell_of_change(line, calls, report)) for line in report.broken_down.movers],
        "rows": rows(lines_shown(report, calls)),
        "by": by,
        "by_label": by_label(by),
        "more": report.broken_down.more,
        "choices_by": [(name, by_label(name), _query(name, report.stretch.name)) for name in BY],
        "choices_days": [(name, label(name), _query(by, name)) for name in CHOICES],
        "csv_url": reverse("admin:aiops_spend_csv", current_app=site) + _query(by, report.stretch.name),
    }


def heads(report: Report, calls: str, now: datetime) -> list[tuple[str, Cell]]:
    """The sums above all."""
    today, stretch, total = today_of(now), report.stretch, report.total

    def of(first: date, last: date, text: str, **narrower: str) -> Cell:
        return Cell(text=text, url=f"{calls}?{query_of(first, last, **narrower)}")

    def within(text: str, **narrower: str) -> Cell:
        return of(stretch.first, stretch.last, text, **narrower)

    found = [
        (_("today"), of(today, today, dollars(report.outlook.today))),
        (_("this month"), of(today.replace(day=1), today, dollars(report.outlook.month))),
        (label(stretch.name), within(dollars(total.cost))),
        (_("change"), Cell(text=change(total.cost, report.before.cost))),
        (_("calls"), within(count(total.calls))),
        (_("failed"), within(percent(total.errors), status="failed")),
        (_("time, median"), within(_time(total.median))),
        (_("time, 95 %"), within(_time(total.p95))),
        (_("saved by kept answers"), within(dollars(total.saved), cost="saved")),
        (_("of unknown cost"), within(count(total.unknown_costs), cost="unknown")),
    ]
    if total.unknown:
        found.append((_("ended nobody knows how"), within(count(total.unknown), status="unknown")))
    return found


def lines_shown(report: Report, calls: str) -> Iterator[tuple[str, list[Cell]]]:
    """The lines of the table, what was left out of them, what is of none, and all of it."""
    down, stretch = report.broken_down, report.stretch
    for line in down.lines:
        url = f"{calls}?{query_of(line.first, line.last, **_narrower(down.by, line))}"
        yield line.name, _cells(line.figures, line.before, url)
    if down.rest is not None:
        yield _("%(n)s more") % {"n": count(down.more)}, _cells(down.rest, None, "")
    if down.outside is not None:
        yield outside_label(down.by), _cells(down.outside, None, "")
    yield _("in all"), _cells(report.total, report.before, f"{calls}?{query_of(stretch.first, stretch.last)}")


def cell_of_change(line: Line, calls: str, report: Report) -> Cell:
    """How much one of the movers has changed."""
    sign = "+" if line.moved > 0 else ""
    text = f"{sign}{dollars(line.moved)} ({change(line.figures.cost, line.before.cost)})"
    first, last = report.stretch.first_before, report.stretch.last
    return Cell(text=text, url=f"{calls}?{query_of(first, last, **_narrower(report.broken_down.by, line))}")


def _narrower(by: str, line: Line) -> dict[str, str]:
    return {FIELDS.get(by, by): line.key}


def _query(by: str, days: str) -> str:
    return f"?{urlencode({'by': by, 'days': days})}"


def _cells(figures: Figures, before: Figures | None, url: str) -> list[Cell]:
    def cell(text: str, narrower: str = "") -> Cell:
        return Cell(text=text, url=f"{url}{narrower}" if url else "")

    return [
        cell(dollars(figures.cost)),
        cell("–" if before is None else change(figures.cost, before.cost)),
        cell(count(figures.calls)),
        cell(f"{count(figures.tokens_in)} / {count(figures.tokens_out)}"),
        cell(percent(figures.errors), "&status=failed"),
        cell("–" if figures.times is None else _time(figures.median)),
        cell("–" if figures.times is None else _time(figures.p95)),
        cell(dollars(figures.saved), "&cost=saved"),
        cell(count(figures.unknown_costs), "&cost=unknown"),
    ]


def _time(milliseconds: int | None) -> str:
    return "–" if milliseconds is None else duration(milliseconds)
