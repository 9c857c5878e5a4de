"""CSV and TSV: their encoding, their delimiter, their lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from django.utils.translation import gettext

from aiops.jobs.sources.errors import BadEncoding, BadRow, WrongFormat
from aiops.jobs.sources.upload import Record, Table, Upload

DELIMITERS = ",;\t"
"""In the order in which they are preferred."""


def read_csv(upload: Upload) -> Table:
    """A table whose delimiter is what splits the first line into most cells: comma, semicolon or tab.

    Raises:
        BadFile: it is no text, not in UTF-8 or UTF-16, or something else than a table.
    """
    encoding = checked_encoding(upload)
    return _table(upload, encoding, max(DELIMITERS, key=lambda mark: _width(upload, encoding, mark)))


def read_tsv(upload: Upload) -> Table:
    """A table with tabs between its cells.

    Raises:
        BadFile: as `read_csv`.
    """
    return _table(upload, checked_encoding(upload), "\t")


def checked_encoding(upload: Upload) -> str:
    """The encoding of a text file: UTF-8 with or without a byte order mark, or UTF-16 with one.

    Raises:
        BadEncoding: it is another one.
        WrongFormat: it is no text at all.
    """
    data = upload.data
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if b"\x00" in data:
            raise _no_text(upload) from error
        # Positions in a file with a mark are counted from behind it.
        start = error.start + (3 if encoding == "utf-8-sig" and data.startswith(b"\xef\xbb\xbf") else 0)
        line = data.count(b"\n", 0, start) + 1
        raise BadEncoding(
            gettext(
                "%(file)s is not in UTF-8: line %(line)s has the byte 0x%(byte)02X (byte %(position)s of the file); "
                "save it again as UTF-8, in Excel as “CSV UTF-8”."
            )
            % {"file": upload.name, "line": line, "byte": data[min(start, len(data) - 1)], "position": start + 1},
            upload.name,
            line,
        ) from error
    if "\x00" in text:
        raise _no_text(upload)
    return encoding


def _no_text(upload: Upload) -> WrongFormat:
    return WrongFormat(
        gettext("%(file)s holds no text: save it as CSV, TSV, JSON or XLSX.") % {"file": upload.name}, upload.name
    )


def _table(upload: Upload, encoding: str, delimiter: str) -> Table:
    _refuse_other_text(upload, encoding)
    return Table(_first(upload, encoding, delimiter), lambda: _below_header(upload, encoding, delimiter))


def _first(upload: Upload, encoding: str, delimiter: str) -> list[str]:
    for _, cells in _lines(upload, encoding, delimiter):
        return cells
    return []


def _width(upload: Upload, encoding: str, delimiter: str) -> int:
    try:
        return len(_first(upload, encoding, delimiter))
    except BadRow:
        # Quotes that another delimiter makes sense of.
        return 0


def _below_header(upload: Upload, encoding: str, delimiter: str) -> Iterator[Record]:
    lines = _lines(upload, encoding, delimiter)
    next(lines, None)
    yield from lines


def _lines(upload: Upload, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    text = io.TextIOWrapper(io.BytesIO(upload.data), encoding=encoding, newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        # A cell may go over several lines; the row is where it begins.
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field limit" in str(error):
                raise _too_long(upload, line) from error
            raise BadRow(
                gettext(
                    "%(file)s, line %(line)s: %(why)s; put cells that hold quotes, line ends or “%(delimiter)s” "
                    "into quotes, with their own quotes doubled."
                )
                % {
                    "file": upload.name,
                    "line": line,
                    "why": error,
                    "delimiter": gettext("tab") if delimiter == "\t" else delimiter,
                },
                upload.name,
                line,
            ) from error
        if cells:
            yield line, cells


def _too_long(upload: Upload, line: int) -> BadRow:
    # The limit is the process's: raising it is not for us, others read CSV too.
    return BadRow(
        gettext(
            "%(file)s, line %(line)s: a cell has more than %(limit)s characters; "
            "end its quotes, shorten it, or give the rows as JSON."
        )
        % {"file": upload.name, "line": line, "limit": f"{csv.field_size_limit():,}"},
        upload.name,
        line,
    )


def _refuse_other_text(upload: Upload, encoding: str) -> None:
    text = upload.data[:4096].decode(encoding, errors="ignore").lstrip().lower()
    if text.startswith(("<!doctype", "<html", "<?xml")):
        raise WrongFormat(
            gettext("%(file)s holds a web page or XML and no table: download the file itself.") % {"file": upload.name},
            upload.name,
        )
    if text.startswith(("[", "{")):
        try:
            json.loads(upload.data.decode(encoding))
        except (ValueError, RecursionError):
            return
        raise WrongFormat(
            gettext("%(file)s holds JSON: give it a name that ends in .json.") % {"file": upload.name}, upload.name
        )
