"""Bills out of files: what OpenAI exports as CSV or answers as JSON, and a plain CSV for everybody else."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from django.utils.translation import gettext as _

from aiops.execution.reconciliation.bill import BillLine, count, lines_of, nanos
from aiops.execution.reconciliation.errors import UnreadableBill
from aiops.execution.reconciliation.figures import Figures

MOST_BYTES = 64 * 1024 * 1024

Row = Mapping[str, str]


def lines_in(path: Path) -> list[BillLine]:
    """The lines of a file.

    Raises:
        UnreadableBill: it is not there, or none of what can be read; the sentence names it.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableBill(_("it is larger than %(size)s MiB.") % {"size": MOST_BYTES >> 20})
        text = path.read_text(encoding="utf-8-sig")
        return list(_of_json(text) if text.lstrip()[:1] in ("{", "[") else _of_table(text))
    except OSError as error:
        raise UnreadableBill(f"{path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UnreadableBill(_("%(path)s: it is no text in UTF-8.") % {"path": path}) from error
    except UnreadableBill as error:
        raise UnreadableBill(f"{path}: {error}") from error


def _of_json(text: str) -> Iterator[BillLine]:
    try:
        page = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise UnreadableBill(_("it is no JSON.")) from error
    yield from lines_of(page)


def _of_table(text: str) -> Iterator[BillLine]:
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, restval="")
    try:
        names = [str(name).strip().lower() for name in rows.fieldnames or ()]
        rows.fieldnames = names
        read = _reader(names)
        for row in rows:
            if any(value for name, value in row.items() if name is not None):
                yield read(row)
    except csv.Error as error:
        raise UnreadableBill(_("row %(row)s: %(why)s.") % {"row": rows.line_num, "why": error}) from error
    except UnreadableBill as error:
        raise UnreadableBill(_("line %(row)s: %(why)s") % {"row": rows.line_num, "why": error}) from error


def _reader(names: list[str]) -> Callable[[Row], BillLine]:
    found = set(names)
    if {"start_time", "amount_value"} <= found:
        return _cost
    if {"start_time", "num_model_requests"} <= found:
        return _usage
    if {"date", "model"} <= found and found & {"cost", "calls", "input_tokens"}:
        return _plain
    raise UnreadableBill(
        _(
            "it needs the columns date, model and cost, or those of an export of OpenAI: start_time with amount_value "
            "and line_item, or with num_model_requests and model."
        )
    )


def _cost(row: Row) -> BillLine:
    cost = nanos(row["amount_value"], row.get("amount_currency"))
    return BillLine(day=_day(row["start_time"]), name=row.get("line_item", ""), figures=Figures(cost=cost))


def _usage(row: Row) -> BillLine:
    return BillLine(day=_day(row["start_time"]), name=row.get("model", ""), figures=_used(row, "num_model_requests"))


def _plain(row: Row) -> BillLine:
    used = _used(row, "calls")
    cost = nanos(row["cost"], row.get("currency")) if "cost" in row else None
    return BillLine(day=_day(row["date"]), name=row["model"], figures=used + Figures(cost=cost))


def _used(row: Row, calls: str) -> Figures:
    return Figures(
        calls=count(row.get(calls)),
        tokens_in=count(row.get("input_tokens")),
        tokens_out=count(row.get("output_tokens")),
    )


def _day(text: str) -> date:
    """A day of UTC: seconds since 1970, a date, or a time in ISO's form.

    Raises:
        UnreadableBill: it is none.
    """
    text = text.strip()
    try:
        if text.isdecimal() and len(text) != len("20261101"):
            return datetime.fromtimestamp(int(text), UTC).date()
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError) as error:
        raise UnreadableBill(_("“%(text)s” is no day: write 2026-11-01.") % {"text": text[:40]}) from error
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
