"""Rows of an uploaded file: CSV, TSV, JSON or XLSX."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import islice
from typing import BinaryIO

from django.utils.translation import gettext

from aiops.jobs.sources.columns import named_columns
from aiops.jobs.sources.errors import BadColumns, BadRow, EmptySource, TooBig, WrongFormat
from aiops.jobs.sources.json_table import read_json
from aiops.jobs.sources.source import SourceRow, rows_of
from aiops.jobs.sources.text_table import read_csv, read_tsv
from aiops.jobs.sources.upload import Limits, Record, Table, Upload
from aiops.jobs.sources.workbook_table import OLD_EXCEL, ZIP, read_workbook
from aiops.resources import Plain, plain

READERS: dict[str, Callable[[Upload], Table]] = {
    "csv": read_csv,
    "tsv": read_tsv,
    "json": read_json,
    "xlsx": read_workbook,
}
"""What can be read, by the extension of the file's name."""


class FileSource:
    """The rows of a file, all of which was looked at when this was made: later nothing can go wrong with it.

    The first row names the columns; rows in which every cell is blank are passed over, and count for nothing. Empty
    cells are empty text (in JSON null is None). NUL and lone surrogates become U+FFFD.
    """

    model = None

    def __init__(self, file: BinaryIO, *, name: str = "", limits: Limits | None = None) -> None:
        """Read `file` and check every row of it.

        Args:
            file: opened for bytes.
            name: as the person knows it; its extension says what it is. By default the file's own.
            limits: how much is read before it is refused.

        Raises:
            BadFile: it cannot be read as what its name says; the sentence says where and what to do.
            EmptySource: it has no rows.
        """
        self._upload = upload = Upload.read(
            file, name=name or str(getattr(file, "name", "")), limits=limits or Limits()
        )
        self._table = _table(upload)
        if not self._table.header:
            raise BadColumns(
                gettext("%(file)s is empty: it needs a first row with names of columns, and rows below it.")
                % {"file": upload.name},
                upload.name,
            )
        self.columns = named_columns(self._table.header, upload.name)
        """Variable → the name of its column in the file, in the file's order."""
        self._count = self._checked()

    @property
    def name(self) -> str:
        return self._upload.name

    @property
    def variables(self) -> frozenset[str]:
        return frozenset(self.columns)

    def count(self) -> int:
        return self._count

    def fingerprint(self) -> str:
        return self._upload.sha256

    def rows(self, most: int | None = None) -> Generator[SourceRow, None, None]:
        for _, cells in islice(self._filled(), most):
            yield SourceRow(dict(zip(self.columns, map(plain, cells), strict=True)))

    @property
    def upload(self) -> Upload:
        """The file as it came: all that another process needs to read it."""
        return self._upload

    def describe(self) -> str:
        sheet = self._table.sheet
        return rows_of(self._count, f"{self.name} ({sheet})" if sheet else self.name)

    def as_json(self) -> dict[str, Plain]:
        return {
            "kind": "file",
            "name": self.name,
            "sheet": self._table.sheet,
            "bytes": len(self._upload.data),
            "sha256": self._upload.sha256,
            "columns": {**self.columns},
        }

    def _filled(self) -> Iterator[Record]:
        return ((line, cells) for line, cells in self._table.records() if any(not _blank(cell) for cell in cells))

    def _checked(self) -> int:
        """The number of rows, each of which can be read."""
        limits, width, count = self._upload.limits, len(self.columns), 0
        for line, cells in self._filled():
            count += 1
            if len(cells) != width:
                raise BadRow(
                    gettext(
                        "%(file)s, line %(line)s: the number of cells is %(cells)s, that of columns %(width)s; "
                        "put cells that hold the delimiter into quotes."
                    )
                    % {"file": self.name, "line": line, "cells": len(cells), "width": width},
                    self.name,
                    line,
                )
            if count > limits.rows or count * width > limits.cells:
                raise TooBig(
                    gettext("%(file)s has more than %(rows)s rows or %(cells)s cells: split it into several files.")
                    % {"file": self.name, "rows": f"{limits.rows:,}", "cells": f"{limits.cells:,}"},
                    self.name,
                    limits.rows,
                )
            try:
                for cell in cells:
                    plain(cell)
            except (TypeError, RecursionError) as error:
                raise BadRow(
                    gettext("%(file)s, row %(line)s holds something that is no text, number or list: take it out.")
                    % {"file": self.name, "line": line},
                    self.name,
                    line,
                ) from error
        if not count:
            raise EmptySource(
                gettext("%(file)s has names of columns and no rows: there is nothing to do.") % {"file": self.name}
            )
        return count


def _table(upload: Upload) -> Table:
    if not upload.data:
        raise BadColumns(
            gettext("%(file)s is empty: it needs a first row with names of columns, and rows below it.")
            % {"file": upload.name},
            upload.name,
        )
    reader = READERS.get(upload.extension)
    if reader is None:
        raise WrongFormat(
            gettext("%(file)s cannot be read: give a file whose name ends in .csv, .tsv, .json or .xlsx.")
            % {"file": upload.name or gettext("The file without a name")},
            upload.name,
        )
    looks_like_workbook = upload.data.startswith((ZIP, OLD_EXCEL))
    if looks_like_workbook != (reader is read_workbook):
        raise WrongFormat(
            gettext("%(file)s is a workbook or an archive: give it a name that ends in .xlsx, or save it as CSV.")
            % {"file": upload.name}
            if looks_like_workbook
            else gettext(
                "%(file)s is no workbook, whatever its name says: name it after what it is, or save it as XLSX."
            )
            % {"file": upload.name},
            upload.name,
        )
    return reader(upload)


def _blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
