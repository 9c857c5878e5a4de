"""Files become modules: those with a telling word, and those that import from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiops.compat.finder.asking import Asking, asking_in, exported
from aiops.compat.finder.folders import Folders, shown
from aiops.compat.finder.meanings import Meanings
from aiops.compat.finder.reading import CannotRead, decode, has_words, parse, read, words_of_imports
from aiops.compat.finder.report import Unread
from aiops.compat.finder.scopes import Module
from aiops.compat.finder.tree import Tree, names_of

Exported = tuple[bytes, bytes]
"""The last part of a module's name, and a name in it."""


@dataclass(slots=True)
class Loaded:
    """What there is to search in."""

    tree: Tree = field(default_factory=Tree)
    unread: list[Unread] = field(default_factory=list)
    files: int = 0
    _asking: Asking | None = None
    """Who asks in the tree as it is; None once a module has come."""

    _quiet: dict[Path, tuple[Path, frozenset[bytes]]] = field(default_factory=dict)
    """Files without a telling word; the path that each was found below, and the words of its imports."""

    def asking(self) -> Asking:
        """Which functions of the tree ask a model."""
        # Anew with every module: what an import means may change with it.
        if self._asking is None:
            self._asking = asking_in(self.tree.modules, Meanings(self.tree))
        return self._asking


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
            loaded._quiet[path] = root, words_of_imports(data)
    except CannotRead as error:
        loaded.unread.append(Unread(path=shown(path), why=str(error)))


def _add(loaded: Loaded, path: Path, root: Path, data: bytes) -> None:
    text = decode(data)
    loaded._asking = None
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
    searched: set[Exported] = set()
    # Only what is new is looked at again; a chain of imports through more than this many quiet files is no real code.
    for _round in range(10):
        wanted = set(_wanted(loaded.asking())) - searched
        if not wanted or not loaded._quiet:
            return
        searched |= wanted
        for path, (root, imports) in list(loaded._quiet.items()):
            names = {name for module, name in wanted if module in imports or {b".", name} <= imports}
            if names:
                _load_if(loaded, path, root, names)


def _load_if(loaded: Loaded, path: Path, root: Path, names: set[bytes]) -> None:
    """Make a quiet file a module where one of the names stands in it."""
    try:
        data = read(path)
        if names & set(re.findall(rb"\w+", data)):
            del loaded._quiet[path]
            _add(loaded, path, root, data)
    except CannotRead as error:
        loaded._quiet.pop(path, None)
        loaded.unread.append(Unread(path=shown(path), why=str(error)))


def _wanted(asking: Asking) -> Iterator[Exported]:
    """What other files may import from the modules that are there."""
    for module, name in exported(asking):
        for own in module.names:
            yield own.rpartition(".")[2].encode(), name.encode()
