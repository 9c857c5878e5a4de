"""What an expression stands for: something imported from elsewhere, or a function, class or module of the shop.

Nothing is run. Names, attributes, calls and what they give back are followed as far as the syntax shows them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from aiops.compat.finder.meaning import (
    ANSWER,
    ANSWERS,
    Meaning,
    Own,
    OwnModule,
    Reached,
    Several,
    same_library,
)
from aiops.compat.finder.scopes import Binding, Scope
from aiops.compat.finder.tree import Tree, absolute

DEEPEST = 60
"""Steps from a name to what it means: real code takes ten, and Python's own stack is not endless."""

MOST = 300
"""Expressions looked at for one: names that are bound many times, each by another, would have no end."""

GIVE_BACK = {"typing.cast": 1, "contextlib.closing": 0, "langsmith.wrappers.wrap_openai": 0, "fastapi.Depends": 0}
"""Functions of others that give back one of their arguments, by its place."""

SAME_CLIENT = {"with_options", "copy", "__enter__", "__aenter__"}
"""Methods of a client that give a client."""


@dataclass(slots=True)
class Meanings:
    """Follows expressions through the modules of a tree."""

    tree: Tree
    _known: dict[ast.expr, Meaning] = field(default_factory=dict)
    _asked: set[ast.expr | tuple[Scope, str]] = field(default_factory=set)
    """What is being looked at, to find out what stands for itself."""

    _steps: int = 0
    _cut: int = 0

    def of(self, node: ast.expr, scope: Scope) -> Meaning:
        """What it stands for; None where the syntax does not show it."""
        if node in self._known:
            return self._known[node]
        if not self._asked:
            self._steps = 0
        self._steps += 1
        if node in self._asked or len(self._asked) > DEEPEST or self._steps > MOST:
            self._cut += 1
            return None
        before = self._cut
        self._asked.add(node)
        try:
            meaning = self._of(node, scope)
        finally:
            self._asked.discard(node)
        if self._cut == before or not self._asked:
            self._known[node] = meaning
        return meaning

    def path(self, node: ast.expr, scope: Scope) -> str:
        """The path of what does not belong to the shop; empty for everything else."""
        meaning = self.of(node, scope)
        return meaning.path if isinstance(meaning, Reached) else ""

    def _of(self, node: ast.expr, scope: Scope) -> Meaning:
        match node:
            case ast.Name():
                return self.name(node.id, scope)
            case ast.Attribute():
                return self.member(self.of(node.value, scope), node.attr)
            case ast.Call():
                return self._called(node, scope)
            case ast.Await() | ast.NamedExpr():
                return self.of(node.value, scope)
            case ast.Subscript():
                return self._item(node, scope)
            case ast.BoolOp():
                return self._first(self.of(value, scope) for value in node.values)
            case ast.IfExp():
                return self._first((self.of(node.body, scope), self.of(node.orelse, scope)))
            case ast.Dict():
                return Several(tuple(node.values), scope)
            case ast.List() | ast.Tuple():
                return Several(tuple(node.elts), scope)
            case ast.Lambda():
                return Own(scope.module.inner[node])
        return None

    def name(self, name: str, scope: Scope) -> Meaning:
        """What a name means in a scope."""
        for around in scope.up():
            if around.is_class and around is not scope:
                continue  # Names of a class are not seen by its methods.
            if name in around.bindings:
                return self._of_bindings(name, around)
        stars = scope.module.scope.bindings.get("*", ())
        paths = (absolute(star.scope.module, star.path).removesuffix("*") + name for star in stars)
        return self._first(self.imported(path) for path in paths if self.tree.find(path) or path.startswith("openai."))

    def _of_bindings(self, name: str, scope: Scope) -> Meaning:
        key = (scope, name)
        if key in self._asked:
            # Bound by itself, as in `client = client or OpenAI()`: another binding may say what it is.
            self._cut += 1
            return None
        self._asked.add(key)
        try:
            return self._first(self._bound(binding) for binding in scope.bindings[name])
        finally:
            self._asked.discard(key)

    def bindings(self, name: str, scope: Scope) -> Iterable[Binding]:
        """The bindings that a name has in the scope where it is bound."""
        for around in scope.up():
            if name in around.bindings and (not around.is_class or around is scope):
                return around.bindings[name]
        return ()

    def imported(self, path: str) -> Meaning:
        """What an absolute import means."""
        found = self.tree.find(path)
        if found is None:
            return Reached(same_library(path))
        module, names = found
        meaning: Meaning = OwnModule(module)
        for name in names:
            meaning = self.member(meaning, name)
        return meaning

    def annotated(self, node: ast.expr, scope: Scope) -> Meaning:
        """An instance of what an annotation names: of the first in it that means something."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except (SyntaxError, ValueError):
                return None
        if isinstance(node, ast.BinOp):
            return self._first((self.annotated(node.left, scope), self.annotated(node.right, scope)))
        if isinstance(node, ast.Subscript):
            inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return self._first(self.annotated(one, scope) for one in inner)
        if not isinstance(node, ast.Name | ast.Attribute):
            return None
        meaning = self.of(node, scope)
        if isinstance(meaning, Reached):
            return Reached(f"{meaning.path}()")
        return Own(meaning.scope, is_instance=True) if isinstance(meaning, Own) else None

    def bases(self, scope: Scope) -> Iterator[Meaning]:
        """What a class of the shop is derived from."""
        if isinstance(scope.node, ast.ClassDef) and scope.parent is not None:
            for base in scope.node.bases:
                yield self.of(base, scope.parent)

    def _bound(self, binding: Binding) -> Meaning:
        match binding.how:
            case "imported":
                return self.imported(absolute(binding.scope.module, binding.path))
            case "scope":
                return Own(binding.scope)
            case "self":
                return Own(binding.scope, is_instance=True)
            case "annotation" if binding.node is not None:
                return self.annotated(binding.node, binding.scope)
            case "value" | "entered" if binding.node is not None:
                return self.of(binding.node, binding.scope)
        return None

    def _first(self, meanings: Iterable[Meaning]) -> Meaning:
        """Of several that it may be, what matters here: ours, or the SDK's; else the first that means something."""
        first: Meaning = None
        for meaning in meanings:
            if isinstance(meaning, Reached) and meaning.path.startswith(("aiops.", "openai.")):
                return meaning
            first = first if first is not None else meaning
        return first

    def member(self, meaning: Meaning, name: str) -> Meaning:
        """What an attribute of it means."""
        match meaning:
            case Reached():
                path = f"{meaning.path}.{name}"
                # `import shop.llm`, where nothing was to be read in the package `shop` itself.
                module = self.tree.find(path) if meaning.call is None else None
                return OwnModule(module[0]) if module and not module[1] else Reached(same_library(path), meaning.call)
            case OwnModule():
                if name in meaning.module.scope.bindings or "*" in meaning.module.scope.bindings:
                    return self.name(name, meaning.module.scope)
                inner = self.tree.find(f"{meaning.module.names[0]}.{name}") if meaning.module.names else None
                return OwnModule(inner[0]) if inner and not inner[1] else None
            case Own() if meaning.scope.is_class:
                return self._of_class(meaning.scope, name, set())
        return Reached(f"?.{name}") if name in ANSWERS else None

    def _of_class(self, scope: Scope, name: str, seen: set[Scope]) -> Meaning:
        seen.add(scope)
        bindings = [*scope.bindings.get(name, ()), *scope.attributes.get(name, ())]
        meaning = self._first(self._of_member(binding) for binding in bindings)
        if meaning is not None:
            return meaning
        for base in self.bases(scope):
            if isinstance(base, Own) and base.scope.is_class and base.scope not in seen:
                meaning = self._of_class(base.scope, name, seen)
                if meaning is not None:
                    return meaning
        return None

    def _of_member(self, binding: Binding) -> Meaning:
        meaning = self._bound(binding)
        is_property = isinstance(meaning, Own) and binding.how == "scope" and _is_property(meaning.scope)
        return self.given_back(meaning.scope) if is_property and isinstance(meaning, Own) else meaning

    def _called(self, node: ast.Call, scope: Scope) -> Meaning:
        function = self.of(node.func, scope)
        match function:
            case Reached():
                return self._reached_by_call(function, node, scope)
            case Own() if function.scope.is_class and not function.is_instance:
                from_sdk = (base for base in self.bases(function.scope) if isinstance(base, Reached))
                sdk = next((base for base in from_sdk if base.path.startswith("openai.")), None)
                return Reached(f"{sdk.path}()", node) if sdk else Own(function.scope, is_instance=True)
            case Own() if function.scope.is_function:
                return self.given_back(function.scope)
        if isinstance(node.func, ast.Attribute):
            holder = self.of(node.func.value, scope)
            if node.func.attr in {"get", "setdefault"} and isinstance(holder, Several):
                return self._first(self.of(one, holder.scope) for one in holder.nodes)
        return None

    def _reached_by_call(self, function: Reached, node: ast.Call, scope: Scope) -> Meaning:
        receiver, _, method = function.path.rpartition(".")
        if method in SAME_CLIENT and receiver.endswith("()"):
            return Reached(receiver, function.call)
        place = GIVE_BACK.get(function.path)
        if place is not None and len(node.args) > place:
            given = self.of(node.args[place], scope)
            is_callable = isinstance(given, Own) and function.path == "fastapi.Depends"
            return self.given_back(given.scope) if is_callable and isinstance(given, Own) else given
        # What is done to the text of an answer does not change whose answer it is.
        asked = function.call if function.call and ANSWER.search(function.path) else node
        return Reached(f"{function.path}()", asked)

    def given_back(self, scope: Scope) -> Meaning:
        """What a function returns or yields."""
        node = scope.node
        if isinstance(node, ast.Lambda):
            return self.of(node.body, scope)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return None
        values = (
            inner.value
            for inner in ast.walk(node)
            if isinstance(inner, ast.Return | ast.Yield) and inner.value is not None
            if scope.module.scopes[inner] is scope
        )
        meaning = self._first(self.of(value, scope) for value in values)
        if meaning is None and node.returns is not None and scope.parent is not None:
            return self.annotated(node.returns, scope.parent)
        return meaning

    def _item(self, node: ast.Subscript, scope: Scope) -> Meaning:
        holder = self.of(node.value, scope)
        if isinstance(holder, Several):
            return self._first(self.of(one, holder.scope) for one in holder.nodes)
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(holder, Reached):
            return Reached(f"{holder.path}.{key}" if isinstance(key, str) else f"{holder.path}[]", holder.call)
        return Reached(f"?.{key}") if key in ANSWERS else None


def _is_property(scope: Scope) -> bool:
    decorators = getattr(scope.node, "decorator_list", ())
    return any(ast.unparse(decorator).rpartition(".")[2] in {"property", "cached_property"} for decorator in decorators)
