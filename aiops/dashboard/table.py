"""The report as a table: for files, terminals and mails."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from aiops.dashboard.breakdown import Line
from aiops.dashboard.figures import Figures
from aiops.dashboard.report import Report
from aiops.dashboard.words import by_label, change, percent
from aiops.jobs.results.cells import csv_text
from aiops.ledger.money import dollars, to_dollars
from aiops.templatetags.aiops_format import count, duration

Row = tuple[str, Figures, Figures | None]
"""Name, what it came to, and in the stretch before where that was read."""


def rows_of(report: Report) -> Iterator[Row]:
    """Each line, what was left out, what is of none, and all of it."""
    down = report.broken_down
    for line in down.lines:
        yield line.name, line.figures, line.before
    if down.rest is not None:
        yield _("%(n)s more") % {"n": count(down.more)}, down.rest, None
    if down.outside is not None:
        yield outside_label(down.by), down.outside, None
    yield _("in all"), report.total, report.before


def outside_label(by: str) -> str:
    """What is of none, for people."""
    return {"prompt": _("without a prompt"), "user": _("of nobody"), "job": _("of no job")}[by]


def text_table(report: Report) -> list[str]:
    """Lines for a terminal: names to the left, numbers to the right."""
    head = [by_label(report.broken_down.by), _("spent"), _("change"), _("calls"), _("tokens in / out")]
    head += [_("failed"), _("median"), _("95 %"), _("saved"), _("unknown cost")]
    table: list[Sequence[str]] = [head]
    for name, figures, before in rows_of(report):
        table.append(
            [
                " ".join(name.split()),
                dollars(figures.cost),
                "–" if before is None else change(figures.cost, before.cost),
                count(figures.calls),
                f"{count(figures.tokens_in)} / {count(figures.tokens_out)}",
                percent(figures.errors),
                _time(figures.median, figures),
                _time(figures.p95, figures),
                dollars(figures.saved),
                count(figures.unknown_costs),
            ]
        )
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    return ["  ".join(_in_columns(row, widths)) for row in table]


def _in_columns(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    yield row[0].ljust(widths[0])
    for cell, width in zip(row[1:], widths[1:], strict=True):
        yield cell.rjust(width)


def _time(milliseconds: int | None, figures: Figures) -> str:
    return "–" if figures.times is None or milliseconds is None else duration(milliseconds)


HEADER = (
    "name",
    "key",
    "cost",
    "cost_before",
    "calls",
    "calls_before",
    "failed",
    "ended_unknown",
    "unknown_costs",
    "answered_without_sending",
    "saved",
    "tokens_in",
    "tokens_out",
    "median_ms",
    "p95_ms",
)


def csv_of(report: Report) -> str:
    """As a file for spreadsheets; money in dollars, text that none takes for a formula."""
    buffer = io.StringIO()
    # A byte order mark: without one Excel reads no accents.
    buffer.write("\ufeff")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(HEADER)
    for line in report.broken_down.lines:
        writer.writerow(_cells(line.name, line.key, line.figures, line.before))
    down = report.broken_down
    if down.outside is not None:
        writer.writerow(_cells(outside_label(down.by), "", down.outside, None))
    return buffer.getvalue()


def _cells(name: str, key: str, figures: Figures, before: Figures | None) -> list[Any]:
    return [
        csv_text(name),
        csv_text(key),
        f"{to_dollars(figures.cost):f}",
        "" if before is None else f"{to_dollars(before.cost):f}",
        figures.calls,
        "" if before is None else before.calls,
        figures.failed,
        figures.unknown,
        figures.unknown_costs,
        figures.reused,
        f"{to_dollars(figures.saved):f}",
        figures.tokens_in,
        figures.tokens_out,
        figures.median,
        figures.p95,
    ]


def as_json(report: Report) -> dict[str, Any]:
    """For scripts; money in nano-dollars."""
    down, outlook = report.broken_down, report.outlook
    return {
        "first": report.stretch.first.isoformat(),
        "last": report.stretch.last.isoformat(),
        "today": outlook.today,
        "month": outlook.month,
        "month_at_end": outlook.at_end,
        "total": {**_numbers(report.total), "cost_before": report.before.cost},
        "by": down.by,
        "lines": [_line(line) for line in down.lines],
        "outside": _numbers(down.outside) if down.outside is not None else None,
    }


def _line(line: Line) -> dict[str, Any]:
    return {"key": line.key, "name": line.name, **_numbers(line.figures), "cost_before": line.before.cost}


def _numbers(figures: Figures) -> dict[str, Any]:
    return {
        "cost": figures.cost,
        "calls": figures.calls,
        "failed": figures.failed,
        "ended_unknown": figures.unknown,
        "unknown_costs": figures.unknown_costs,
        "answered_without_sending": figures.reused,
        "saved": figures.saved,
        "tokens_in": figures.tokens_in,
        "tokens_out": figures.tokens_out,
        "median_ms": figures.median,
        "p95_ms": figures.p95,
    }
