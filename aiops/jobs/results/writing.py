"""Results as CSV, XLSX and JSON, a row at a time."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import chain
from typing import Any, BinaryIO

from django.utils.translation import gettext
from openpyxl import Workbook

from aiops.gateway.plain_text import storable
from aiops.jobs.results.cells import TooLongForExcel, csv_text, excel_text
from aiops.jobs.results.rows import Cell, Columns, ResultRow

EXCEL_ROWS = 1_048_576
EXCEL_COLUMNS = 16_384

# Excel keeps 15 digits of a number.
EXCEL_INTEGER = 10**15


class Format(StrEnum):
    """What results can be had as; also the extension of the file's name."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self]


_CONTENT_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSON: "application/json",
}


def write_results(
    rows: Iterable[ResultRow],
    format: Format | str,
    file: BinaryIO,
    *,
    schema: Mapping[str, Any] | None = None,
) -> None:
    """Write `rows` to `file`; memory does not grow with their number.

    Args:
        rows: all with the same variables.
        format: `csv`, `xlsx` or `json`.
        file: opened for bytes.
        schema: what the answers satisfy: its properties become columns. Without one, answers stand in one column.

    Raises:
        ValueError: there is no such format.
        TooLongForExcel: a workbook cannot hold it; nothing was written.
    """
    match Format(format):
        case Format.CSV:
            for text in iter_csv(rows, schema=schema):
                file.write(text.encode())
        case Format.JSON:
            for text in iter_json(rows):
                file.write(text.encode())
        case Format.XLSX:
            _write_workbook(rows, file, schema)


def iter_csv(rows: Iterable[ResultRow], *, schema: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Lines of CSV, the first with the names; a byte order mark in front, without which Excel reads no accents.

    Args:
        rows: all with the same variables.
        schema: as in `write_results`.
    """
    columns, rows = _columns(rows, schema)
    buffer = io.StringIO()
    # Quoted all of them: a reader with another separator then takes a line for one cell, or for what no formula begins.
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    buffer.write("\ufeff")
    for cells in _lines(columns, rows):
        writer.writerow([_csv_cell(cell) for cell in cells])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def iter_json(rows: Iterable[ResultRow]) -> Iterator[str]:
    """Pieces of a JSON list with an object for each row; values as they are, numbers as numbers."""
    before = "[\n"
    for row in rows:
        found = {
            "row": row.position,
            "key": row.key,
            "variables": dict(row.variables),
            "status": row.status,
            "data": row.data,
            "text": row.text,
            "error_kind": row.error_kind or None,
            "error": row.error_text or None,
            "tokens_in": row.tokens_in,
            "tokens_out": row.tokens_out,
            "cost": row.cost,
        }
        yield before + storable(json.dumps(found, ensure_ascii=False, default=_json_value))
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _columns(rows: Iterable[ResultRow], schema: Mapping[str, Any] | None) -> tuple[Columns, Iterable[ResultRow]]:
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return Columns.of((), schema), ()
    return Columns.of(first.variables, schema), chain([first], rows)


def _lines(columns: Columns, rows: Iterable[ResultRow]) -> Iterator[Sequence[Cell]]:
    yield columns.header()
    yield from map(columns.cells, rows)


def _csv_cell(cell: Cell) -> Cell:
    match cell:
        case bool():
            return "true" if cell else "false"
        case str():
            return csv_text(cell)
        case Decimal():
            return f"{cell:f}"
    return cell


def _json_value(value: object) -> float | str:
    return float(value) if isinstance(value, Decimal) else str(value)


def _write_workbook(rows: Iterable[ResultRow], file: BinaryIO, schema: Mapping[str, Any] | None) -> None:
    columns, rows = _columns(rows, schema)
    header = columns.header()
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(gettext("Results"))
    try:
        if len(header) > EXCEL_COLUMNS:
            raise TooLongForExcel(_too_many(len(header), gettext("columns"), EXCEL_COLUMNS))
        for number, cells in enumerate(_lines(columns, rows), start=1):
            if number > EXCEL_ROWS:
                raise TooLongForExcel(_too_many(number, gettext("rows"), EXCEL_ROWS))
            sheet.append([_excel_cell(cell, number, name) for cell, name in zip(cells, header, strict=True)])
    except BaseException:
        # Only saving ends the library's own temporary file.
        with tempfile.TemporaryFile() as nowhere:
            workbook.save(nowhere)
        raise
    workbook.save(file)


def _excel_cell(cell: Cell, row: int, column: str) -> Cell:
    match cell:
        case bool():
            return cell
        case int() if abs(cell) >= EXCEL_INTEGER:
            return str(cell)
        case str():
            return excel_text(cell, row=row, column=column)
    return cell


def _too_many(count: int, what: str, most: int) -> str:
    return gettext(
        "The results have %(count)s %(what)s or more, and Excel keeps %(most)s: take them as CSV or JSON."
    ) % {
        "count": f"{count:,}",
        "what": what,
        "most": f"{most:,}",
    }
