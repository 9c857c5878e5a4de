"""A file as it came, how big it may be, and the table that a reader makes of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from django.utils.translation import gettext

from aiops.gateway.plain_text import storable
from aiops.jobs.sources.errors import TooBig

MEGABYTE = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a stranger's file is read before it is refused."""

    size: int = 20 * MEGABYTE
    """Bytes of the file."""

    unpacked: int = 100 * MEGABYTE
    """Bytes that a workbook says it has when unpacked."""

    ratio: int = 100
    """How many times bigger a workbook may get by being unpacked, once it is beyond 10 MB."""

    rows: int = 1_000_000

    cells: int = 5_000_000
    """Of a text file."""

    sheet_cells: int = 400_000
    """Of a workbook, and texts that it keeps apart from its cells: to read its XML takes ten times as long as text."""


@dataclass(frozen=True)
class Upload:
    """A file, read as a whole: it is small enough, and everything in it is looked at before anything is made of it."""

    name: str
    """Without a directory."""

    data: bytes
    limits: Limits

    @classmethod
    def read(cls, file: BinaryIO, *, name: str, limits: Limits) -> Upload:
        """Read `file` from where it stands.

        Raises:
            TooBig: it has more bytes than allowed.
        """
        name = storable(re.split(r"[/\\]", name)[-1])
        data = file.read(limits.size + 1)
        if len(data) > limits.size:
            raise TooBig(
                gettext("%(name)s is bigger than %(limit)s MB: split it into several files.")
                % {"name": name, "limit": f"{limits.size / MEGABYTE:g}"},
                name,
                limits.size,
            )
        return cls(name, data, limits)

    @property
    def extension(self) -> str:
        """In small letters, without the dot; empty where there is none."""
        return self.name.rpartition(".")[2].lower() if "." in self.name else ""

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


Record = tuple[int, Sequence[object]]
"""The number of a line (as an editor or spreadsheet shows it), and its cells."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a reader found in a file."""

    header: Sequence[object]
    records: Callable[[], Iterator[Record]]
    """The rows below the header, read afresh each time, and as wide as they are; the header may be wider."""

    sheet: str = ""
    """The sheet of a workbook that has several."""
