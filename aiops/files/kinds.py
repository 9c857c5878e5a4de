"""Kinds of files that may be uploaded, each told by its ending and held to what is in it.

What a browser would run (HTML, SVG) is never taken, whatever its ending: it comes back as a download some day.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext as _

from aiops.files.errors import BadFile
from aiops.files.names import ending_of

HEAD = 4096
"""Bytes from the beginning that are looked at."""

TAIL = 128 * 1024
"""Bytes from the end: there an archive lists what is in it."""

_OFFICE = "application/vnd.openxmlformats-officedocument"


class Check(Protocol):
    """Whether the beginning and the end of a file are those of its kind."""

    def __call__(self, head: bytes, tail: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One of them."""

    content_type: str
    check: Check
    is_text: bool = False


def _begins(*beginnings: bytes) -> Check:
    return lambda head, tail: head.startswith(beginnings)


def _pdf(head: bytes, tail: bytes) -> bool:
    # Readers take a few bytes of something else before it.
    return b"%PDF-" in head[:1024]


def _webp(head: bytes, tail: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _office(folder: bytes) -> Check:
    return lambda head, tail: head[:4] == b"PK\x03\x04" and b"[Content_Types].xml" in tail and folder in tail


def _any(head: bytes, tail: bytes) -> bool:
    return True


def _json(head: bytes, tail: bytes) -> bool:
    return head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in b'{["-0123456789tfn'


def _json_lines(head: bytes, tail: bytes) -> bool:
    return head.lstrip()[:1] == b"{"


_JPEG = Kind("image/jpeg", _begins(b"\xff\xd8\xff"))

KINDS: Mapping[str, Kind] = {
    "csv": Kind("text/csv", _any, is_text=True),
    "docx": Kind(f"{_OFFICE}.wordprocessingml.document", _office(b"word/")),
    "gif": Kind("image/gif", _begins(b"GIF87a", b"GIF89a")),
    "jpeg": _JPEG,
    "jpg": _JPEG,
    "json": Kind("application/json", _json, is_text=True),
    "jsonl": Kind("application/jsonl", _json_lines, is_text=True),
    "md": Kind("text/markdown", _any, is_text=True),
    "pdf": Kind("application/pdf", _pdf),
    "png": Kind("image/png", _begins(b"\x89PNG\r\n\x1a\n")),
    "pptx": Kind(f"{_OFFICE}.presentationml.presentation", _office(b"ppt/")),
    "tsv": Kind("text/tab-separated-values", _any, is_text=True),
    "txt": Kind("text/plain", _any, is_text=True),
    "webp": Kind("image/webp", _webp),
    "xlsx": Kind(f"{_OFFICE}.spreadsheetml.sheet", _office(b"xl/")),
}
"""Ending → kind."""

_BY_BEGINNING = ("pdf", "png", "jpeg", "gif", "webp")
"""Kinds that say what they are; a file without a name is one of these or refused."""

_MARKUP = re.compile(rb"\s*(<!--.*?(-->|$)\s*)*<(!doctype|html|head|body|script|svg|iframe|\?xml)\b", re.I | re.S)


def kind_of(name: str, head: bytes, tail: bytes) -> Kind:
    """The kind that a file says it is.

    Args:
        name: with its ending.
        head: its first `HEAD` bytes.
        tail: its last `TAIL` bytes.

    Raises:
        BadFile: none that may be uploaded, or it is not what its ending says.
    """
    ending = ending_of(name)
    if _MARKUP.match(head.removeprefix(codecs.BOM_UTF8)):
        raise BadFile(_("“%(name)s” holds HTML, SVG or XML, which is not uploaded: make it a PDF.") % {"name": name})
    kind = KINDS.get(ending)
    if kind is None:
        words = {"name": name, "endings": ", ".join(KINDS)}
        raise BadFile(_("“%(name)s” is of no kind that is uploaded: its name must end in %(endings)s.") % words)
    if not kind.check(head, tail):
        words = {"name": name, "ending": ending.upper()}
        raise BadFile(_("“%(name)s” is no %(ending)s file: what is in it is something else.") % words)
    return kind


def name_by_beginning(head: bytes) -> str:
    """A name for a file that has none.

    Raises:
        BadFile: nobody can tell what it is.
    """
    for ending in _BY_BEGINNING:
        if KINDS[ending].check(head, b""):
            return f"file.{ending}"
    raise BadFile(_("The file has no name: give one, with the ending that says what it is."))


class TextCheck:
    """Sees, piece by piece, that a text is one in UTF-8: providers read no other."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        """Take the next piece.

        Raises:
            BadFile: it is no text.
        """
        try:
            is_text = "\0" not in self._decoder.decode(piece, final=last)
        except UnicodeDecodeError:
            is_text = False
        if not is_text:
            raise BadFile(_("“%(name)s” is no text in UTF-8: save it as that.") % {"name": self._name})
