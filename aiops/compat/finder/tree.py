"""The modules of the shop that were parsed, by what they may be imported as."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from aiops.compat.finder.scopes import Module


@dataclass(slots=True)
class Tree:
    """Answers what an import means, as far as it means something that was parsed."""

    modules: list[Module] = field(default_factory=list)
    _by_name: dict[str, Module] = field(default_factory=dict)

    def add(self, module: Module) -> None:
        """From now on it is found by each of its names; the first module of a name keeps it."""
        self.modules.append(module)
        for name in module.names:
            self._by_name.setdefault(name, module)

    def find(self, path: str) -> tuple[Module, list[str]] | None:
        """The module that a dotted path begins with, the longest there is, and the names after it."""
        parts = path.split(".")
        for end in range(len(parts), 0, -1):
            module = self._by_name.get(".".join(parts[:end]))
            if module is not None:
                return module, parts[end:]
        return None

    def settings(self) -> Iterable[Module]:
        """Modules that look like the settings of a site."""
        return (
            module
            for module in self.modules
            if any("settings" in part for name in module.names for part in name.split("."))
        )


def names_of(path: Path, root: Path) -> tuple[str, ...]:
    """What a file may be imported as: from the folder above its outmost package, from `root`, from where one stands."""
    top = path.parent
    while (top / "__init__.py").exists() and top != top.parent:
        top = top.parent
    # A root that is a package is imported by its own name.
    starts = (top, root, root.parent, Path.cwd())
    return tuple(dict.fromkeys(name for start in starts if (name := _dotted(path, start))))


def absolute(module: Module, path: str) -> str:
    """A relative import of a module, as an absolute one."""
    level = len(path) - len(path.lstrip("."))
    if not level or not module.names:
        return path
    parts = module.names[0].split(".")
    package = parts if module.is_package else parts[:-1]
    base = package[: len(package) - (level - 1)]
    return ".".join([*base, path.lstrip(".")])


def _dotted(path: Path, start: Path) -> str:
    try:
        relative = path.absolute().relative_to(start.absolute())
    except ValueError:
        return ""
    if not relative.parts:
        return ""  # The file itself was the path to look at.
    parts = relative.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
