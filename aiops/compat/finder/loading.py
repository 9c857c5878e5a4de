"""Files become modules: those with a telling word, and those that import from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiops.compat.finder.asking import asking_in, exported
from aiops.compat.finder.folders import Folders, shown
from aiops.compat.finder.meanings import Meanings
from aiops.compat.finder.reading import CannotRead, decode, has_words, parse, read
from aiops.compat.finder.report import Unread
from aiops.compat.finder.scopes import Module
from aiops.compat.finder.tree import Tree, names_of


@dataclass(slots=True)
class Loaded:
    """What there is to search in."""

    tree: Tree = field(default_factory=Tree)
    unread: list[Unread] = field(default_factory=list)
    files: int = 0
    _quiet: dict[Path, Path] = field(default_factory=dict)
    """Files without a telling word, and the path that each was found below."""


def load(paths: Sequence[Path], *, exclude: Sequence[str] = ()) -> Loaded:
    """Read what lies below the paths. A file that cannot be read is kept in `unread`."""
    loaded = Loaded()
    folders = Folders(exclude)
    for root in paths:
        for path in folders.files([root]):
            loaded.files += 1
            _load(loaded, path, root)
    loaded.unread += folders.unread
    _load_importers(loaded)
    return loaded


def _load(loaded: Loaded, path: Path, root: Path) -> None:
    try:
        data = read(path)
        if has_words(data):
            _add(loaded, path, root, data)
        else:
            loaded._quiet[path] = root
    except CannotRead as error:
        loaded.unread.append(Unread(path=shown(path), why=str(error)))


def _add(loaded: Loaded, path: Path, root: Path, data: bytes) -> None:
    text = decode(data)
    loaded.tree.add(
        Module(
            path=shown(path),
            names=names_of(path, root),
            text=text,
            tree=parse(text),
            is_package=path.name == "__init__.py",
        )
    )


def _load_importers(loaded: Loaded) -> None:
    """A file that imports a client, or a function that asks, need not have any word of its own. Nor need those that
    import from it."""
    searched: set[tuple[str, str]] = set()
    # Only what is new is looked at again; a chain of imports through more than this many quiet files is no real code.
    for _round in range(10):
        wanted = set(_wanted(loaded.tree)) - searched
        if not wanted or not loaded._quiet:
            return
        searched |= wanted
        names = re.compile(rb"\b(?:%s)\b" % b"|".join(sorted({re.escape(name.encode()) for _m, name in wanted})))
        for path, root in list(loaded._quiet.items()):
            try:
                data = read(path)
                found = {name.decode() for name in names.findall(data)}
                if not any(name in found and module.encode() in data for module, name in wanted):
                    continue
                del loaded._quiet[path]
                _add(loaded, path, root, data)
            except CannotRead as error:
                loaded._quiet.pop(path, None)
                loaded.unread.append(Unread(path=shown(path), why=str(error)))


def _wanted(tree: Tree) -> Iterable[tuple[str, str]]:
    """The last part of a module's name, and what another file may import from it."""
    # Anew each time: what an import means may have changed with the modules that came.
    for module, name in exported(asking_in(tree.modules, Meanings(tree))):
        for own in module.names:
            yield own.rpartition(".")[2], name
