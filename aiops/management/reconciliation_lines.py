"""A comparison of the log with a bill, as lines of a terminal, as CSV and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.execution.reconciliation.compared import Comparison, Line, Side
from aiops.execution.reconciliation.figures import Figures
from aiops.jobs.results.cells import csv_text
from aiops.ledger.money import dollars, to_dollars

CSV_COLUMNS = (
    "day", "model", "side", "logged_calls", "logged_cost", "logged_unknown", "logged_tokens_in", "logged_tokens_out",
    "billed_calls", "billed_cost", "billed_tokens_in", "billed_tokens_out", "difference", "drift_percent", "off",
)  # fmt: skip


def table(found: Comparison) -> Iterator[str]:
    """For people: days and models, then models over all days, then the sentence that counts."""
    head = (_("day"), _("model"), _("log"), _("bill"), _("difference"), _("drift"), "")
    rows = [head, *(_cells(line) for line in found.lines)]
    if len({line.day for line in found.lines}) > 1:
        rows += [_cells(line) for line in found.models]
    rows.append(_cells(found.total))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for day, model, *numbers, note in rows:
        right = "  ".join(cell.rjust(width) for cell, width in zip(numbers, widths[2:-1], strict=True))
        yield f"{day.ljust(widths[0])}  {model.ljust(widths[1])}  {right}  {note}".rstrip()
    yield sentence(found)


def sentence(found: Comparison) -> str:
    """What came of it, in one line."""
    total = found.total
    words = {
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "logged": _amount(total, _of_log(total)),
        "billed": _amount(total, _base(total)),
        "drift": _drift(total),
        "limit": f"{total.limit.normalize():f}",
    }
    text = _("%(since)s to %(until)s: the log has %(logged)s, the bill %(billed)s; drift %(drift)s.") % words
    for side, part in (
        (Side.BILLED, _("%(amount)s are billed for what the log does not know.")),
        (Side.LOGGED, _("%(amount)s are logged for what the bill does not list.")),
    ):
        if amount := found.only(side):
            text += " " + part % {"amount": _amount(total, amount)}
    if unknown := total.logged.unknown:
        text += " " + ngettext(
            "%(n)s call in the log is of unknown cost.", "%(n)s calls in the log are of unknown cost.", unknown
        ) % {"n": f"{unknown:,}"}
    off = len([line for line in found.off if line.day is not None])
    if off:
        text += " " + ngettext(
            "%(n)s day and model is off by more than %(limit)s %%.",
            "%(n)s days and models are off by more than %(limit)s %%.",
            off,
        ) % {"n": f"{off:,}", **words}
    elif total.is_off:
        text += " " + _("The total is off by more than %(limit)s %%.") % words
    else:
        text += " " + _("Nothing is off by more than %(limit)s %%.") % words
    return text


def csv_rows(found: Comparison) -> Iterator[list[str]]:
    """A row a day and model; money in dollars, unknown is empty."""
    yield list(CSV_COLUMNS)
    for line in found.lines:
        yield ["" if value is None else csv_text(str(value)) for value in _csv_values(line)]


def as_json(found: Comparison) -> dict[str, Any]:
    """For machines: money in nano-dollars, or tokens where the bill has no costs."""
    return {
        **summary(found),
        "models": [_line_json(line) for line in found.models],
        "lines": [_line_json(line) for line in found.lines],
    }


def summary(found: Comparison) -> dict[str, Any]:
    """As `as_json`, without days and models."""
    return {
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "compared": "cost" if found.total.in_money else "tokens",
        "limit_percent": float(found.total.limit),
        "alarm": bool(found.off),
        "only_billed": found.only(Side.BILLED),
        "only_logged": found.only(Side.LOGGED),
        "total": _line_json(found.total),
    }


def _cells(line: Line) -> tuple[str, ...]:
    note = []
    if line.is_off:
        note.append("!")
    if line.side == Side.BILLED:
        note.append(_("not in the log"))
    if line.side == Side.LOGGED:
        note.append(_("not in the bill"))
    if line.logged.unknown:
        note.append(_("%(n)s unknown") % {"n": f"{line.logged.unknown:,}"})
    return (
        line.day.isoformat() if line.day else _("all days"),
        line.model or _("all models"),
        _amount(line, _of_log(line)) if line.side != Side.BILLED else "–",
        _amount(line, _base(line)) if line.side != Side.LOGGED else "–",
        _signed(line),
        _drift(line),
        " ".join(note),
    )


def _base(line: Line) -> int:
    return (line.billed.cost if line.in_money else line.billed.tokens) or 0


def _of_log(line: Line) -> int | None:
    """None where nobody knows the cost of any of these calls."""
    nothing_is_known = line.logged.unknown and line.logged.cost is None
    return None if line.in_money and nothing_is_known else line.difference + _base(line)


def _amount(line: Line, amount: int | None) -> str:
    return dollars(amount) if line.in_money or amount is None else f"{amount:,}"


def _signed(line: Line) -> str:
    return f"{'+' if line.difference > 0 else ''}{_amount(line, line.difference)}"


def _drift(line: Line) -> str:
    return "–" if line.drift is None else f"{line.drift:+.1f} %"


def _csv_values(line: Line) -> Iterator[object]:
    yield from (line.day, line.model, line.side)
    yield from (line.logged.calls, _dollars(line.logged.cost), line.logged.unknown)
    yield from (line.logged.tokens_in, line.logged.tokens_out)
    yield from (line.billed.calls, _dollars(line.billed.cost), line.billed.tokens_in, line.billed.tokens_out)
    yield from (_dollars(line.difference) if line.in_money else line.difference, line.drift, int(line.is_off))


def _dollars(nanos: int | None) -> str | None:
    return None if nanos is None else f"{to_dollars(nanos):.9f}"


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "day": line.day.isoformat() if line.day else None,
        "model": line.model or None,
        "side": line.side,
        "logged": _figures_json(line.logged),
        "billed": _figures_json(line.billed),
        "difference": line.difference,
        "drift_percent": None if line.drift is None else float(line.drift),
        "off": line.is_off,
    }


def _figures_json(figures: Figures) -> dict[str, int | None]:
    return {
        "calls": figures.calls,
        "cost": figures.cost,
        "unknown": figures.unknown,
        "tokens_in": figures.tokens_in,
        "tokens_out": figures.tokens_out,
    }
