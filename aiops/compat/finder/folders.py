"""Which files are looked at: the shop's own Python."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from django.utils.translation import gettext as _

import prompts
from aiops.compat.finder.report import Unread

NOT_THE_SHOPS = {"node_modules", "migrations", "__pycache__", "site-packages"}
"""Names of folders. Hidden ones and virtual environments are left out as well."""

OURS = {Path(__file__).resolve().parents[2], Path(prompts.__path__[0]).resolve()}


@dataclass(slots=True)
class Folders:
    """Walks paths once, whatever links lead where."""

    exclude: Sequence[str] = ()
    """Patterns as of a shell, for a path as it is shown or for a name in it."""

    unread: list[Unread] = field(default_factory=list)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def files(self, paths: Sequence[Path]) -> Iterator[Path]:
        """Python files below the paths, in the order of their names; a path that is a file, whatever its name."""
        for path in paths:
            if path.is_dir():
                yield from self._below(path)
            elif self._is_new(path):
                yield path

    def _below(self, folder: Path) -> Iterator[Path]:
        if not self._is_new(folder):
            return
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.unread.append(Unread(path=shown(folder), why=cannot_open(error)))
            return
        for entry in entries:
            path = Path(entry.path)
            if self._is_excluded(path):
                continue
            if _is_folder(entry):
                if entry.is_symlink() and _leads_back(path):
                    self.unread.append(Unread(path=shown(path), why=_("is a link to a folder that it lies in")))
                elif not _is_foreign(path):
                    yield from self._below(path)
            elif entry.name.endswith(".py") and self._is_new(path):
                yield path

    def _is_new(self, path: Path) -> bool:
        try:
            stat = path.stat()
        except OSError:
            return True  # A link that leads nowhere: opening it says so.
        key = (stat.st_dev, stat.st_ino)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _is_excluded(self, path: Path) -> bool:
        text = shown(path)
        return any(fnmatch(text, pattern.rstrip("/")) or fnmatch(path.name, pattern) for pattern in self.exclude)


def shown(path: Path) -> str:
    """The path as people see it: from the current directory where it lies below."""
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def cannot_open(error: OSError) -> str:
    """The end of a sentence about a file or folder."""
    return _("cannot be opened: %(why)s") % {"why": error.strerror or type(error).__name__}


def is_ordinary(path: Path) -> bool:
    """Whether reading it comes to an end: a pipe would wait for somebody to write.

    Raises:
        OSError: it is not there, may not be looked at, or is a loop of links.
    """
    return stat.S_ISREG(path.stat().st_mode)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # A link to itself: as a file it is reported.


def _leads_back(link: Path) -> bool:
    real = link.resolve()
    return link.parent.resolve().is_relative_to(real)


def _is_foreign(folder: Path) -> bool:
    return (
        folder.name in NOT_THE_SHOPS
        or folder.name.startswith(".")
        or (folder / "pyvenv.cfg").exists()
        or (folder / "conda-meta").exists()
        or folder.resolve() in OURS
    )
