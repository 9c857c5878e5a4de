"""Reading what is in a file, piece by piece and never more than was agreed to."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, Any, TypeAlias
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.core.files.base import File
from django.utils.translation import gettext as _

from aiops.files.errors import BadFile, UnknownFile
from aiops.files.found import Found
from aiops.files.models import UploadedFile
from aiops.gateway.files import blocking, nonblocking

Target: TypeAlias = "str | PathLike[str] | IO[bytes] | File[Any]"
"""Where it is written: a path, or a file that is open for writing bytes."""


def download(found: Found, to: Target | None, *, most_bytes: int, timeout: float) -> bytes | int:
    """Read a file, blocking.

    Args:
        to: None gives what is in it; else it is written there, and how many bytes that were is given. A path holds all
            of it or is left as it was; of a file that is open, the beginning may have been written.
        most_bytes: more is not read.
        timeout: seconds for all of it.

    Raises:
        FileRefused, MissingKey: nothing was sent.
        GatewayError: not all of it came.
    """
    require_readable(found, most_bytes)
    with _target(to) as out:
        size = 0
        for piece in blocking.download(found.provider_id, found.connection, most_bytes=most_bytes, timeout=timeout):
            out.write(piece)
            size += len(piece)
        return out.getvalue() if to is None and isinstance(out, io.BytesIO) else size


async def adownload(found: Found, to: Target | None, *, most_bytes: int, timeout: float) -> bytes | int:
    """As `download`, without blocking the event loop."""
    await sync_to_async(require_readable)(found, most_bytes)
    with _target(to) as out:
        size = 0
        async for piece in nonblocking.download(
            found.provider_id, found.connection, most_bytes=most_bytes, timeout=timeout
        ):
            if to is None:
                out.write(piece)
            else:
                await asyncio.to_thread(out.write, piece)
            size += len(piece)
        return out.getvalue() if to is None and isinstance(out, io.BytesIO) else size


def require_readable(found: Found, most_bytes: int) -> None:
    """See that there is something to read.

    Raises:
        FileRefused: there is not.
        MissingKey: the connection has no key.
    """
    if not isinstance(most_bytes, int) or most_bytes < 1:
        raise BadFile(_("most_bytes is %(most)s: give a whole number above zero.") % {"most": most_bytes})
    if found.file is not None and found.file.state in (UploadedFile.State.DELETED, UploadedFile.State.FAILED):
        raise UnknownFile(_("“%(name)s” is not at the provider: upload it again.") % {"name": found.file.name})
    found.require_known()
    found.connection.require_key()


@contextmanager
def _target(to: Target | None) -> Iterator[Any]:
    if to is None:
        yield io.BytesIO()
        return
    if not isinstance(to, str | PathLike):
        if not hasattr(to, "write"):
            raise BadFile(_("It cannot be written to %(type)s: give a path or a file.") % {"type": type(to).__name__})
        yield to
        return
    path = Path(to)
    # Beside it, so that taking its name is one step on the same disk.
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        with part.open("xb") as out:
            yield out
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
