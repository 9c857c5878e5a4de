"""The parts of a workbook, run through by the events of their XML before anything is made of them.

The library that reads workbooks builds trees: of a row, a string, a style. What a stranger packs into one of them would
be in memory before anybody could count it. Here nothing is kept, and every part counts, whatever its name says it is.
"""

from __future__ import annotations

import io
import zipfile
from typing import IO, NoReturn
from xml.parsers import expat

from django.utils.translation import gettext

from aiops.jobs.sources.errors import BadFile, BadRow, TooBig, WrongFormat
from aiops.jobs.sources.upload import MEGABYTE, Upload

PARTS = 10_000
"""Most files inside a workbook."""

ELEMENTS_PER_CELL = 5
"""Its own, its value's, and those of a text kept apart. So many times the cells are the most elements of all parts."""

PIECE = 2**16
LONGEST_TAG = MEGABYTE


def look_through(upload: Upload) -> frozenset[str]:
    """See that a workbook is small enough to be opened.

    Returns:
        The parts with formulas in them.

    Raises:
        TooBig: it would fill the memory.
        WrongFormat: it is no archive of a workbook, or declares entities.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(upload.data)) as archive:
            _check_sizes(upload, archive)
            look = _Look(upload)
            for part in archive.infolist():
                with archive.open(part) as file:
                    look.through(part.filename, file)
    except BadFile:
        raise
    # Unpacking raises whatever a broken archive makes it stumble over, or one under a password.
    except Exception as error:
        raise unreadable(upload, error) from error
    return frozenset(look.with_formulas)


def _check_sizes(upload: Upload, archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    if not any(part.filename.startswith("xl/") for part in parts):
        raise WrongFormat(
            gettext("%(file)s is an archive and no workbook: save it as XLSX.") % {"file": upload.name}, upload.name
        )
    unpacked = sum(part.file_size for part in parts)
    packed = max(len(upload.data), 1)
    bomb = unpacked > 10 * MEGABYTE and unpacked / packed > upload.limits.ratio
    if unpacked > upload.limits.unpacked or bomb or len(parts) > PARTS:
        raise TooBig(
            gettext("%(file)s unpacks to %(size)s MB, which is too much: save it as CSV, or split it.")
            % {"file": upload.name, "size": f"{unpacked / MEGABYTE:,.0f}"},
            upload.name,
            upload.limits.unpacked,
        )


class _Look:
    """Counts over all parts."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        self.part = ""
        self.elements = 0
        self.texts = 0
        self.with_formulas: set[str] = set()

    def through(self, part: str, file: IO[bytes]) -> None:
        """One part, as far as it is XML: pictures end with their first bytes."""
        self.part = part
        parser = expat.ParserCreate()
        parser.StartElementHandler = self.start
        parser.EntityDeclHandler = self.entity
        read = understood = 0
        try:
            while piece := file.read(PIECE):
                parser.Parse(piece, False)
                read += len(piece)
                # A tag that has not ended yet stays where it began, or has no place at all.
                understood = max(understood, parser.CurrentByteIndex)
                if read - understood > LONGEST_TAG:
                    self.too_much()
            parser.Parse(b"", True)
        except expat.ExpatError:
            # If it is needed, the library will say so.
            return

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self.elements += 1
        # With or without a prefix.
        if name.endswith("si"):
            self.texts += 1
        elif name == "f" or name.endswith(":f"):
            self.with_formulas.add(self.part)
        most = self.upload.limits.sheet_cells
        if self.elements > most * ELEMENTS_PER_CELL or self.texts > most:
            self.too_much()

    def entity(self, *_declared: object) -> NoReturn:
        raise unreadable(self.upload, gettext("it declares entities"))

    def too_much(self) -> NoReturn:
        raise TooBig(
            gettext("%(file)s holds more than can be read of a workbook: save the sheet as CSV, or split it.")
            % {"file": self.upload.name},
            self.upload.name,
            self.upload.limits.sheet_cells,
        )


def refuse_unsaved_formulas(upload: Upload, part: str) -> None:
    """See that each formula of a sheet has the value it came to: a program that only writes workbooks knows none.

    Args:
        part: the sheet's file in the archive.

    Raises:
        BadRow: one has not.
    """
    cell: dict[str, str] = {}
    formula = value = inside = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal cell, formula, value, inside
        match name.rpartition(":")[2]:
            case "c":
                cell, formula, value = attributes, False, False
            case "f":
                formula = True
            case "v":
                inside = True

    def text(_data: str) -> None:
        nonlocal value
        value = value or inside

    def end(name: str) -> None:
        nonlocal inside
        match name.rpartition(":")[2]:
            case "v":
                inside = False
            # A formula may well come to an empty text: then it says that it is text.
            case "c" if formula and not value and cell.get("t") != "str":
                place = cell.get("r", "?")
                raise BadRow(
                    gettext(
                        "%(file)s, cell %(cell)s: the formula was saved without its value; "
                        "open the file in Excel or LibreOffice and save it once."
                    )
                    % {"file": upload.name, "cell": place},
                    upload.name,
                    int("".join(filter(str.isdecimal, place)) or 0),
                )

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, text, end
    with zipfile.ZipFile(io.BytesIO(upload.data)) as archive, archive.open(part) as file:
        parser.ParseFile(file)


def unreadable(upload: Upload, error: Exception | str) -> WrongFormat:
    """The sentence for a workbook that something is wrong with."""
    # The library wraps what it met into several lines of its own.
    met = (error.__cause__ or error.__context__ or error) if isinstance(error, Exception) else error
    why = str(met).partition("\n")[0] or type(met).__name__
    return WrongFormat(
        gettext("%(file)s is no workbook that can be read (%(why)s): open it and save it as XLSX again.")
        % {"file": upload.name, "why": why},
        upload.name,
    )
