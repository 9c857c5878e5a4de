"""What each name of a module is bound to, scope by scope, as the syntax tree says it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
How = Literal["value", "annotation", "entered", "imported", "scope", "self", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One of the ways in which a name comes to its value; a name may have several."""

    how: How
    scope: Scope
    """Where `node` is to be understood; for `scope` and `self` the function or class itself."""

    node: ast.expr | None = None
    path: str = ""
    """What is imported, dotted; it begins with dots where the import is relative."""


@dataclass(slots=True, eq=False)
class Scope:
    """A module, a class, a function or a comprehension."""

    node: ast.AST
    parent: Scope | None
    module: Module
    bindings: dict[str, list[Binding]] = field(default_factory=lambda: defaultdict(list))
    attributes: dict[str, list[Binding]] = field(default_factory=lambda: defaultdict(list))
    """Of a class: what its methods assign to `self`."""

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)

    @property
    def is_function(self) -> bool:
        return isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)

    def up(self) -> Iterator[Scope]:
        """This one and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def function(self) -> Scope | None:
        """The function that this is part of, if it is."""
        return next((scope for scope in self.up() if scope.is_function), None)


@dataclass(slots=True, eq=False)
class Module:
    """A file that was parsed."""

    path: str
    """As people see it."""

    names: tuple[str, ...]
    """What it may be imported as, dotted."""

    text: str
    tree: ast.Module
    is_package: bool
    lines: list[str] = field(init=False)
    scope: Scope = field(init=False)
    scopes: dict[ast.AST, Scope] = field(default_factory=dict)
    """Of each node, the scope that it stands in."""

    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    inner: dict[ast.AST, Scope] = field(default_factory=dict)
    """Of each function, class and comprehension, the scope that it opens."""

    def __post_init__(self) -> None:
        self.lines = self.text.split("\n")
        self.scope = Scope(self.tree, None, self)
        _build(self)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around this one, inmost first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent


def _build(module: Module) -> None:
    # A stack, no recursion: chains in generated code are deeper than Python's own stack.
    stack: list[tuple[ast.AST, Scope]] = [(module.tree, module.scope)]
    while stack:
        node, scope = stack.pop()
        module.scopes[node] = scope
        _bind(node, scope)
        inner = _opened(node, scope)
        outside = _evaluated_outside(node)
        children = list(ast.iter_child_nodes(node))
        for child in reversed(children):
            module.parents[child] = node
            stack.append((child, scope if child in outside else inner))


def _opened(node: ast.AST, scope: Scope) -> Scope:
    if not isinstance(node, Function | ast.ClassDef | ast.Lambda | Comprehension):
        return scope
    inner = scope.module.inner[node] = Scope(node, scope, scope.module)
    if isinstance(node, Function | ast.ClassDef):
        scope.bindings[node.name].append(Binding(how="scope", scope=inner))
    if isinstance(node, Function | ast.Lambda):
        _bind_parameters(node, inner, scope)
    return inner


def _evaluated_outside(node: ast.AST) -> set[ast.AST]:
    if isinstance(node, ast.ClassDef):
        return {*node.decorator_list, *node.bases, *node.keywords}
    if isinstance(node, Function):
        return {*node.decorator_list, *((node.returns,) if node.returns else ())}
    return set()


def _bind_parameters(node: Function | ast.Lambda, inner: Scope, outer: Scope) -> None:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    optional = positional[len(positional) - len(arguments.defaults) :]
    defaults = dict(zip([arg.arg for arg in optional], arguments.defaults, strict=True))
    defaults |= {
        arg.arg: default
        for arg, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is not None
    }
    for number, arg in enumerate([*positional, *arguments.kwonlyargs]):
        bindings = inner.bindings[arg.arg]
        if number == 0 and positional and outer.is_class and not _is_static(node):
            bindings.append(Binding(how="self", scope=outer))
        if arg.annotation is not None:
            bindings.append(Binding(how="annotation", scope=outer, node=arg.annotation))
        if arg.arg in defaults:
            bindings.append(Binding(how="value", scope=outer, node=defaults[arg.arg]))
        bindings.append(Binding(how="unknown", scope=inner))
    for rest in (arguments.vararg, arguments.kwarg):
        if rest is not None:
            inner.bindings[rest.arg].append(Binding(how="unknown", scope=inner))


def _is_static(node: Function | ast.Lambda) -> bool:
    return not isinstance(node, ast.Lambda) and any(
        isinstance(decorator, ast.Name) and decorator.id == "staticmethod" for decorator in node.decorator_list
    )


def _bind(node: ast.AST, scope: Scope) -> None:
    match node:
        case ast.Import():
            for alias in node.names:
                name, path = (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
                scope.bindings[name].append(Binding(how="imported", scope=scope, path=path))
        case ast.ImportFrom():
            start = "." * node.level + (node.module or "")
            for alias in node.names:
                path = f"{start}{alias.name}" if start.endswith(".") else f"{start}.{alias.name}"
                # A star binds what nobody knows yet; the name `*` keeps where it would come from.
                scope.bindings[alias.asname or alias.name].append(Binding(how="imported", scope=scope, path=path))
        case ast.Assign():
            for target in node.targets:
                _bind_target(target, node.value, scope)
        case ast.AnnAssign():
            if node.value is not None:
                _bind_target(node.target, node.value, scope)
            _add(node.target, Binding(how="annotation", scope=scope, node=node.annotation), scope)
        case ast.NamedExpr():
            holder = next(s for s in scope.up() if not isinstance(s.node, Comprehension))
            holder.bindings[node.target.id].append(Binding(how="value", scope=scope, node=node.value))
        case ast.withitem() if node.optional_vars is not None:
            _add(node.optional_vars, Binding(how="entered", scope=scope, node=node.context_expr), scope)
        case ast.For() | ast.AsyncFor():
            _bind_unknown(node.target, scope)
        case ast.Global():
            for name in node.names:
                scope.bindings[name] = scope.module.scope.bindings[name]
        case ast.Nonlocal():
            for name in node.names:
                around = (s for s in scope.up() if s is not scope and s.is_function and name in s.bindings)
                if (outer := next(around, None)) is not None:
                    scope.bindings[name] = outer.bindings[name]
        case ast.comprehension():
            _bind_unknown(node.target, scope)


def _bind_target(target: ast.expr, value: ast.expr, scope: Scope) -> None:
    pair = ast.Tuple | ast.List
    if isinstance(target, pair):
        if isinstance(value, pair) and len(value.elts) == len(target.elts):
            for inner, its in zip(target.elts, value.elts, strict=True):
                _bind_target(inner, its, scope)
        else:
            _bind_unknown(target, scope)
    else:
        _add(target, Binding(how="value", scope=scope, node=value), scope)


def _bind_unknown(target: ast.expr, scope: Scope) -> None:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            scope.bindings[node.id].append(Binding(how="unknown", scope=scope))


def _add(target: ast.expr, binding: Binding, scope: Scope) -> None:
    if isinstance(target, ast.Name):
        scope.bindings[target.id].append(binding)
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        owner = _owner(target.value.id, scope)
        if owner is not None:
            owner.attributes[target.attr].append(binding)


def _owner(name: str, scope: Scope) -> Scope | None:
    """The class that `self`, `cls` or its own name means here."""
    for around in scope.up():
        for binding in around.bindings.get(name, ()):
            if binding.how == "self" or (binding.how == "scope" and binding.scope.is_class):
                return binding.scope
    return None
