"""A place in the tree on its way to becoming a finding."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

from aiops.compat.finder.kinds import Kind, Text
from aiops.compat.finder.meanings import Meanings
from aiops.compat.finder.reading import KEY
from aiops.compat.finder.report import Finding
from aiops.compat.finder.scopes import Module, Scope


# Without slots: each of a dozen questions about a call begins with what it calls, which is found out once.
@dataclass(frozen=True, kw_only=True)
class Here:
    """A call, and what there is to understand it by."""

    call: ast.Call
    module: Module
    meanings: Meanings

    @property
    def scope(self) -> Scope:
        return self.module.scopes[self.call]

    @cached_property
    def path(self) -> str:
        """What is called, as a path; empty where it is the shop's own or unknown."""
        return self.meanings.path(self.call.func, self.scope)

    @property
    def method(self) -> str:
        """The last name of what is called."""
        function = self.call.func
        return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")

    @property
    def is_awaited(self) -> bool:
        """Whether there is an `await` before it."""
        return isinstance(self.module.parents.get(self.call), ast.Await)

    @property
    def is_entered(self) -> bool:
        """Whether `async with` or `async for` waits for it."""
        parent = self.module.parents.get(self.call)
        around = self.module.parents.get(parent) if parent is not None else None
        by_with = isinstance(parent, ast.withitem) and isinstance(around, ast.AsyncWith)
        return by_with or isinstance(parent, ast.AsyncFor)

    def keyword(self, name: str) -> ast.expr | None:
        """The argument of this name."""
        return next((keyword.value for keyword in self.call.keywords if keyword.arg == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Something found at a node."""

    node: ast.AST
    kind: Kind
    what: str
    replacement: str = ""
    advice: Text | None = None
    """Instead of that of the kind."""

    def finding(self, module: Module) -> Finding:
        """With path, line and column, in the language of whoever reads it."""
        line, column = getattr(self.node, "lineno", 1), getattr(self.node, "col_offset", 0)
        if column:
            column = len(module.lines[line - 1].encode()[:column].decode(errors="replace"))
        return Finding(
            path=module.path,
            line=line,
            column=column,
            kind=self.kind,
            what=KEY.sub("…", self.what),
            replacement=self.replacement,
            advice=str(self.kind.advice if self.advice is None else self.advice),
        )
