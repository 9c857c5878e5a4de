"""What is in a file, however the shop has it."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from django.core.files.base import File


def is_file(given: Any) -> bool:
    """Whether this is something that is read: a Django file, an open file, `BytesIO`."""
    return isinstance(given, File) or callable(getattr(given, "read", None))


def bytes_of_file(file: Any, *, most: int) -> bytes:
    """The whole content of a file, from its beginning, or one byte more than `most`.

    It is left as it was found: a file that somebody has open stays open, and is read on from where it was.

    Raises:
        ValueError: there is none, or it gives text.
        OSError: it cannot be read.
    """
    if not isinstance(file, File):
        return _read(file, most)
    if not file:
        raise ValueError("is a field without a file.")
    if not file.closed:
        return _read(file, most)
    with file.open("rb") as opened:
        return _read(opened, most)


def bytes_at(path: str | PathLike[str], *, most: int) -> bytes:
    """The content of the file at a path, or one byte more than `most`.

    Raises:
        ValueError: there is something else.
        OSError: there is nothing, or it cannot be read.
    """
    found = Path(path)
    # A pipe or a device would be read for ever.
    if found.exists() and not found.is_file():
        raise ValueError("is no file.")
    with found.open("rb") as file:
        return file.read(most + 1)


def _read(file: Any, most: int) -> bytes:
    position = file.tell() if _seekable(file) else None
    if position is not None:
        file.seek(0)
    try:
        data = file.read(most + 1)
    finally:
        if position is not None:
            file.seek(position)
    if not isinstance(data, bytes):
        raise ValueError("is open as text: open it with mode “rb”.")
    return data


def _seekable(file: Any) -> bool:
    seekable = getattr(file, "seekable", None)
    return bool(seekable()) if callable(seekable) else False
