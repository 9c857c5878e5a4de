"""XLSX: the first sheet of a workbook, values only."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext
from openpyxl import load_workbook

from aiops.jobs.sources.errors import BadFile, BadRow, TooBig, WrongFormat
from aiops.jobs.sources.upload import MEGABYTE, Record, Table, Upload

ZIP = b"PK\x03\x04"
OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How files of Excel before 2007 begin, and workbooks under a password."""


def read_workbook(upload: Upload) -> Table:
    """A table of the first sheet. Of a formula the value is read that the workbook was saved with.

    Raises:
        BadFile: it is no workbook, a broken one, or one that would fill the memory.
    """
    _refuse_bombs(upload)
    names = _sheet_names(upload)
    header: list[object] = []
    for _, cells in _rows(upload):
        header = list(cells)
        break
    return Table(header, lambda: _fitted(upload, len(header)), sheet=names[0] if len(names) > 1 else "")


def _refuse_bombs(upload: Upload) -> None:
    if upload.data.startswith(OLD_EXCEL):
        raise WrongFormat(
            gettext("%(file)s is an old Excel file or under a password: save it as XLSX without one.")
            % {"file": upload.name},
            upload.name,
        )
    try:
        with zipfile.ZipFile(io.BytesIO(upload.data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise _unreadable(upload, error) from error
    if not any(part.filename.startswith("xl/") for part in parts):
        raise WrongFormat(
            gettext("%(file)s is an archive and no workbook: save it as XLSX.") % {"file": upload.name}, upload.name
        )
    unpacked = sum(part.file_size for part in parts)
    packed = max(len(upload.data), 1)
    if unpacked > upload.limits.unpacked or (unpacked > 10 * MEGABYTE and unpacked / packed > upload.limits.ratio):
        raise TooBig(
            gettext("%(file)s unpacks to %(size)s MB, which is too much: save it as CSV, or split it.")
            % {"file": upload.name, "size": f"{unpacked / MEGABYTE:,.0f}"},
            upload.name,
            upload.limits.unpacked,
        )


def _sheet_names(upload: Upload) -> list[str]:
    try:
        workbook = _opened(upload)
        names = [sheet.title for sheet in workbook.worksheets]
        workbook.close()
    # The library raises whatever a broken file makes it stumble over, KeyError and AttributeError among them.
    except Exception as error:
        raise _unreadable(upload, error) from error
    if not names:
        raise _unreadable(upload, gettext("it has no sheet"))
    return names


def _opened(upload: Upload) -> Any:
    # Entities in its XML are refused: the library takes defusedxml where it is installed, and we require it.
    return load_workbook(io.BytesIO(upload.data), read_only=True, data_only=True, keep_links=False)


def _rows(upload: Upload) -> Iterator[Record]:
    """Rows that have a value in them, without the empty cells behind the last one."""
    read = 0
    workbook = None
    try:
        workbook = _opened(upload)
        sheet = workbook.worksheets[0]
        # What a sheet says about its own size is often wrong, and may be a trap.
        sheet.reset_dimensions()
        for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            read += len(values)
            # Blank rows count too: a single cell in the last row that Excel knows makes a million of them.
            if number > upload.limits.rows + 1 or read > upload.limits.cells:
                raise TooBig(
                    gettext("%(file)s goes down to row %(row)s or has too many cells: take out what is not needed.")
                    % {"file": upload.name, "row": f"{number:,}"},
                    upload.name,
                    upload.limits.cells,
                )
            cells = [_plain(value) for value in values]
            while cells and cells[-1] in ("", None):
                cells.pop()
            if cells:
                yield number, cells
    except BadFile:
        raise
    except Exception as error:
        raise _unreadable(upload, error) from error
    finally:
        if workbook is not None:
            workbook.close()


def _fitted(upload: Upload, width: int) -> Iterator[Record]:
    rows = _rows(upload)
    next(rows, None)
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


def _unreadable(upload: Upload, error: Exception | str) -> WrongFormat:
    # The library wraps what it met into several lines of its own.
    met = (error.__cause__ or error.__context__ or error) if isinstance(error, Exception) else error
    why = str(met).partition("\n")[0] or type(met).__name__
    return WrongFormat(
        gettext("%(file)s is no workbook that can be read (%(why)s): open it and save it as XLSX again.")
        % {"file": upload.name, "why": why},
        upload.name,
    )
