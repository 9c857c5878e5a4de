"""Where a call must not stand: in `save()`, in a receiver of a signal, in what answers a GET."""

from __future__ import annotations

import ast
import re

from aiops.compat.finder.kinds import IN_GET, IN_SAVE, IN_SIGNAL, Kind
from aiops.compat.finder.meaning import Own, Reached
from aiops.compat.finder.meanings import Meanings
from aiops.compat.finder.scopes import Function, Module, Scope

SAVES = {"save", "asave"}
GETS = {"get", "head", "get_context_data", "get_queryset", "get_object", "list", "retrieve"}
VIEW = re.compile(r"(?:View|ViewSet|ViewMixin|APIView)$")
GET_DECORATORS = {"get", "require_GET", "require_safe"}
OTHER_VERBS = {"post", "put", "patch", "delete", "require_POST"}


def door_of(site: ast.AST, module: Module, meanings: Meanings) -> Kind | None:
    """Which of the three the syntax shows around a call; None where it shows none."""
    for scope in module.scopes[site].up():
        node = scope.node
        if not isinstance(node, Function) or scope.parent is None:
            continue
        holder = scope.parent if scope.parent.is_class else None
        if holder is not None and node.name in SAVES and _is_model(holder, meanings):
            return IN_SAVE
        if _is_receiver(node, scope.parent, meanings):
            return IN_SIGNAL
        if holder is not None and node.name in GETS and _is_view(holder, meanings):
            return None if _is_posted(site, node, module) else IN_GET
        if holder is None and scope.parent is module.scope and _is_view_function(node):
            return None if _is_posted(site, node, module) else IN_GET
    return None


def connected(call: ast.Call, module: Module, meanings: Meanings) -> Scope | None:
    """The function of the shop that `post_save.connect(…)` makes a receiver."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "connect" and call.args):
        return None
    signal = meanings.path(call.func.value, module.scopes[call])
    function = meanings.of(call.args[0], module.scopes[call])
    is_signal = re.match(r"django\..*signals\.", signal) is not None
    return function.scope if is_signal and isinstance(function, Own) else None


def _is_model(scope: Scope, meanings: Meanings, depth: int = 0) -> bool:
    """By its bases; of those that nobody can look into, by their name or by the file that it stands in."""
    if depth > 20:
        return False
    for base in meanings.bases(scope):
        if isinstance(base, Reached) and re.search(r"(?:^django\.db\.models\.|Model$|models\.\w+$)", base.path):
            return True
        if isinstance(base, Own) and base.scope.is_class and _is_model(base.scope, meanings, depth + 1):
            return True
    return False


def _is_receiver(node: Function, scope: Scope, meanings: Meanings) -> bool:
    return any(meanings.path(one, scope) == "django.dispatch.receiver()" for one in node.decorator_list)


def _is_view(scope: Scope, meanings: Meanings, depth: int = 0) -> bool:
    if depth > 20:
        return False
    for base in meanings.bases(scope):
        if isinstance(base, Reached) and VIEW.search(base.path):
            return True
        if isinstance(base, Own) and base.scope.is_class and _is_view(base.scope, meanings, depth + 1):
            return True
    return False


def _is_view_function(node: Function) -> bool:
    arguments = [*node.args.posonlyargs, *node.args.args]
    if not arguments or arguments[0].arg != "request" or node.name.startswith("_"):
        return False
    words = {word for decorator in node.decorator_list for word in _words(decorator)}
    return not words & OTHER_VERBS and not ({"POST"} & words and "GET" not in words)


def _words(decorator: ast.expr) -> set[str]:
    """Names and texts of a decorator, as `api_view`, `POST`, `require_POST`."""
    words = {inner.attr for inner in ast.walk(decorator) if isinstance(inner, ast.Attribute)}
    words |= {inner.id for inner in ast.walk(decorator) if isinstance(inner, ast.Name)}
    return words | {str(inner.value) for inner in ast.walk(decorator) if isinstance(inner, ast.Constant)}


def _is_posted(site: ast.AST, function: Function, module: Module) -> bool:
    """Whether the call stands where only a POST comes: inside a test for it, or after one that sends others away."""
    inside: ast.AST = site
    for node in module.around(site):
        if isinstance(node, ast.If) and _asks_method(node.test) and _is_equal(node.test) == (inside in node.body):
            return True
        for statement in getattr(node, "body", []):
            if statement is inside:
                break
            if isinstance(statement, ast.If) and _sends_away(statement):
                return True
        if node is function:
            return False
        inside = node
    return False


def _asks_method(test: ast.expr) -> bool:
    return "method" in {inner.attr for inner in ast.walk(test) if isinstance(inner, ast.Attribute)}


def _is_equal(test: ast.expr) -> bool:
    """Whether the test holds for a POST: `== "POST"`, or `!= "GET"`."""
    compared = [inner for inner in ast.walk(test) if isinstance(inner, ast.Compare)]
    texts = {inner.value for inner in ast.walk(test) if isinstance(inner, ast.Constant)}
    denied = any(isinstance(op, ast.NotEq | ast.NotIn) for one in compared for op in one.ops)
    return denied == bool(texts & {"GET", "HEAD"})


def _sends_away(statement: ast.If) -> bool:
    ends = isinstance(statement.body[-1], ast.Return | ast.Raise)
    return ends and _asks_method(statement.test) and not _is_equal(statement.test)
