"""Aiming at a place in the code: the harness names it, the first process that comes by is hit.

A name and a signal lie in a page of memory that all processes share; whoever comes by looks there, which costs next to
nothing, and claims the shot by making a file that nobody else can make a second time.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
from pathlib import Path

SIZE = 256
FOLDER_VARIABLE = "CHAOS_FOLDER"


class Aim:
    """Of the harness."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._page = _page(folder)
        self._number = 0

    def take(self, name: str, number: int, skip: int) -> None:
        """Hit the process that comes by `name`, after it has come by there `skip` times before."""
        self._number += 1
        self._write({"id": self._number, "name": name, "signal": int(number), "skip": skip})

    def drop(self) -> None:
        """Hit nobody any more."""
        self._write({})

    def hit(self) -> int | None:
        """The process that was hit; None where none was until now."""
        try:
            return int((self.folder / f"hit-{self._number}").read_text() or 0) or None
        except FileNotFoundError:
            return None

    def _write(self, aim: dict[str, object]) -> None:
        text = json.dumps(aim).encode()
        self._page[:] = text + b" " * (SIZE - len(text))


class Target:
    """Of every process that may be hit: give `.come_by` to `aiops.failpoints.reached`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._page = _page(folder)
        self._counted: tuple[int, int] = (0, 0)

    def come_by(self, name: str) -> None:
        """Be hit, if it is this place that is aimed at."""
        text = self._page[:]
        if name.encode() not in text:
            return
        try:
            aim = json.loads(text)
        except ValueError:
            # It is just being written.
            return
        if aim.get("name") != name:
            return
        number, so_far = self._counted
        so_far = so_far if number == aim["id"] else 0
        self._counted = (aim["id"], so_far + 1)
        if so_far >= aim["skip"] and self._claims(aim["id"]):
            os.kill(os.getpid(), signal.Signals(aim["signal"]))

    def _claims(self, number: int) -> bool:
        path = self._folder / f"hit-{number}"
        try:
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY), "w") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            return False
        return True


def _page(folder: Path) -> mmap.mmap:
    path = folder / "aim"
    if not path.exists():
        path.write_bytes(b" " * SIZE)
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), SIZE)
