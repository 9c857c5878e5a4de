"""Which variables a template can do without.

A read is guarded when it is the target of `default`, or stands where an `is defined` of the same name has been asked:
the branch of an `if` or of an inline `if`, or the right side of an `and`. Anything cleverer counts as required.
"""

from __future__ import annotations

from jinja2 import nodes

Names = frozenset[str]
NONE: Names = frozenset()


def unguarded_reads(tree: nodes.Node) -> Names:
    """Names that are read somewhere without a guard, whether or not the template sets them itself."""
    found: set[str] = set()
    _read(tree, NONE, found)
    return frozenset(found)


def _read(node: nodes.Node, guarded: Names, found: set[str]) -> None:
    # A set that is filled on the way: names handed up through every level would make deep trees slow.
    match node:
        case nodes.Name():
            if node.ctx == "load" and node.name not in guarded:
                found.add(node.name)
        case nodes.Test(node=nodes.Name(), name="defined" | "undefined"):
            pass
        case nodes.Filter(name="default" | "d", node=nodes.Name()):
            for child in (*node.args, *node.kwargs):
                _read(child, guarded, found)
        case nodes.If() | nodes.CondExpr():
            _read_branches(node, guarded, found)
        case nodes.And():
            _read(node.left, guarded, found)
            _read(node.right, guarded | _defined(node.left), found)
        case nodes.Or():
            _read(node.left, guarded, found)
            _read(node.right, guarded | _undefined(node.left), found)
        case _:
            for child in node.iter_child_nodes():
                _read(child, guarded, found)


def _read_branches(node: nodes.If | nodes.CondExpr, guarded: Names, found: set[str]) -> None:
    _read(node.test, guarded, found)
    first, second = guarded | _defined(node.test), guarded | _undefined(node.test)
    if isinstance(node, nodes.CondExpr):
        _read(node.expr1, first, found)
        if node.expr2 is not None:
            _read(node.expr2, second, found)
        return
    for child in node.body:
        _read(child, first, found)
    for child in (*node.elif_, *node.else_):
        _read(child, second, found)


def _defined(test: nodes.Node) -> Names:
    """Names that are there where this holds."""
    match test:
        case nodes.Test(node=nodes.Name() as name, name="defined"):
            return frozenset({name.name})
        case nodes.And():
            return _defined(test.left) | _defined(test.right)
        case nodes.Not():
            return _undefined(test.node)
    return NONE


def _undefined(test: nodes.Node) -> Names:
    """Names that are there where this does not hold."""
    match test:
        case nodes.Test(node=nodes.Name() as name, name="undefined"):
            return frozenset({name.name})
        case nodes.Or():
            return _undefined(test.left) | _undefined(test.right)
        case nodes.Not():
            return _defined(test.node)
    return NONE
