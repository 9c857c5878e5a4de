"""XLSX: the first sheet of a workbook, values only."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext
from openpyxl import load_workbook

from aiops.jobs.sources.errors import BadFile, BadRow, TooBig, WrongFormat
from aiops.jobs.sources.upload import Record, Table, Upload
from aiops.jobs.sources.workbook_parts import look_through, refuse_unsaved_formulas, unreadable

ZIP = b"PK\x03\x04"
OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How files of Excel before 2007 begin, and workbooks under a password."""


def read_workbook(upload: Upload) -> Table:
    """A table of the first sheet. Of a formula the value is read that the workbook was saved with.

    It is opened once, and its cells are kept: opening it takes longer than everything that is done with them.

    Raises:
        BadFile: it is no workbook, a broken one, or one that would fill the memory.
    """
    if upload.data.startswith(OLD_EXCEL):
        raise WrongFormat(
            gettext("%(file)s is an old Excel file or under a password: save it as XLSX without one.")
            % {"file": upload.name},
            upload.name,
        )
    with_formulas = look_through(upload)
    workbook = None
    try:
        # Entities in its XML are refused: the library takes defusedxml where it is installed, and we require it.
        workbook = load_workbook(io.BytesIO(upload.data), read_only=True, data_only=True, keep_links=False)
        sheets: list[Any] = list(workbook.worksheets)
        if not sheets:
            raise unreadable(upload, gettext("it has no sheet"))
        # Only the library knows which part of the archive the first sheet is.
        part: str = sheets[0]._worksheet_path
        if part in with_formulas:
            refuse_unsaved_formulas(upload, part)
        rows = list(_rows(upload, sheets[0]))
    except BadFile:
        raise
    # The library raises whatever a broken file makes it stumble over, KeyError and AttributeError among them.
    except Exception as error:
        raise unreadable(upload, error) from error
    finally:
        if workbook is not None:
            workbook.close()
    header = rows[0][1] if rows else []
    return Table(header, lambda: _fitted(upload, rows[1:], len(header)), sheet=sheets[0].title if sheets[1:] else "")


def _rows(upload: Upload, sheet: Any) -> Iterator[Record]:
    """Rows that have a value in them, without the empty cells behind the last one."""
    limits = upload.limits
    read = chars = 0
    # What a sheet says about its own size is often wrong, and may be a trap.
    sheet.reset_dimensions()
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        read += len(values)
        # A text that is kept once may stand in every cell.
        chars += sum(len(value) for value in values if type(value) is str)
        # Blank rows count too: a single cell in the last row that Excel knows makes a million of them.
        if number > limits.rows + 1 or read > limits.sheet_cells or chars > limits.unpacked:
            raise TooBig(
                gettext(
                    "%(file)s goes down to row %(row)s or has too many cells: "
                    "take out what is not needed, or save it as CSV."
                )
                % {"file": upload.name, "row": f"{number:,}"},
                upload.name,
                limits.sheet_cells,
            )
        cells = [_plain(value) for value in values]
        while cells and cells[-1] in ("", None):
            cells.pop()
        if cells:
            yield number, cells


def _fitted(upload: Upload, rows: Sequence[Record], width: int) -> Iterator[Record]:
    for number, cells in rows:
        if len(cells) > width:
            raise BadRow(
                gettext("%(file)s, row %(row)s has a value to the right of the last named column: name its column.")
                % {"file": upload.name, "row": number},
                upload.name,
                number,
            )
        yield number, [*cells, *[""] * (width - len(cells))]


def _plain(value: object) -> object:
    """Empty cells are empty text; a day is a day although Excel keeps midnight with it."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime) and value.time() == dt.time.min:
        return value.date()
    return value
