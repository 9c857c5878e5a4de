"""A file as the shop has it, opened and looked through once: never all of it in memory."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from django.core.files.base import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from aiops.files.errors import BadFile
from aiops.files.kinds import HEAD, TAIL, TextCheck, kind_of, name_by_beginning
from aiops.files.names import harmless_name

MOST_BYTES = 50 * 1024 * 1024
"""Of one file, where nobody says otherwise."""

PROVIDERS_MOST = 512 * 1024 * 1024
"""More is refused by OpenAI."""

_PIECE = 1024 * 1024

Given: TypeAlias = "bytes | bytearray | memoryview | str | PathLike[str] | File[Any]"
"""What may be uploaded: what is in it, its path, or a Django file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that may be uploaded."""

    content: BinaryIO = field(repr=False)
    name: str
    size: int
    sha256: str
    content_type: str


@contextmanager
def opened(given: Given, *, name: str = "", most_bytes: int = MOST_BYTES) -> Iterator[Source]:
    """The file, open as long as the block lasts.

    Args:
        name: empty for its own.
        most_bytes: that it may have, at most `PROVIDERS_MOST`.

    Raises:
        BadFile: it is none that may be uploaded.
    """
    if not 0 < most_bytes <= PROVIDERS_MOST:
        limit = {"most": filesizeformat(PROVIDERS_MOST)}
        raise BadFile(_("most_bytes must be from 1 to what a provider takes, %(most)s.") % limit)
    with ExitStack() as stack:
        try:
            content, own_name = _opened(given, stack)
            source = _looked_through(content, name or own_name, most_bytes)
        except OSError as error:
            raise BadFile(_("The file cannot be read: %(why)s.") % {"why": error.strerror or error}) from error
        yield source


def _opened(given: Any, stack: ExitStack) -> tuple[BinaryIO, str]:
    if isinstance(given, bytes | bytearray | memoryview):
        return io.BytesIO(given), ""
    if isinstance(given, File):
        if given.closed:
            stack.enter_context(given.open("rb"))
        else:
            # Whoever opened it goes on where it was.
            stack.callback(given.seek, given.tell())
        return cast(BinaryIO, given), str(given.name or "")
    if isinstance(given, str | PathLike):
        path = Path(given)
        # A pipe or a device may have no end, and opening one may wait for ever.
        if not path.is_file():
            raise BadFile(_("“%(path)s” is no file that is there.") % {"path": harmless_name(str(path))})
        return stack.enter_context(path.open("rb")), path.name
    raise BadFile(_("The file is of type %(type)s: give bytes, a path or a file.") % {"type": type(given).__name__})


def _looked_through(content: BinaryIO, name: str, most_bytes: int) -> Source:
    """Read it once, in pieces.

    Raises:
        BadFile: it is none that may be uploaded.
    """
    content.seek(0)
    head = content.read(HEAD)
    if not isinstance(head, bytes):
        raise BadFile(_("The file is open for text: open it for bytes, with “rb”."))
    if not head:
        raise BadFile(_("The file is empty."))
    size = content.seek(0, io.SEEK_END) or content.tell()
    if size > most_bytes:
        words = {"size": filesizeformat(size), "most": filesizeformat(most_bytes)}
        raise BadFile(
            _("The file has %(size)s, at most %(most)s are uploaded: divide it, or raise most_bytes.") % words
        )
    content.seek(max(0, size - TAIL))
    tail = content.read(TAIL)
    harmless = harmless_name(name) if name else name_by_beginning(head)
    kind = kind_of(harmless, head, tail)
    text = TextCheck(harmless) if kind.is_text else None
    digest, found = hashlib.sha256(), 0
    content.seek(0)
    while piece := content.read(_PIECE):
        digest.update(piece)
        found += len(piece)
        if text is not None:
            text.feed(piece)
    if text is not None:
        text.feed(b"", last=True)
    if found != size:
        raise BadFile(_("The file changed while it was read: give it again."))
    content.seek(0)
    return Source(content=content, name=harmless, size=size, sha256=digest.hexdigest(), content_type=kind.content_type)
