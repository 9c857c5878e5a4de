"""Which variables a template can do without.

A read is guarded when it is the target of `default`, or stands where an `is defined` of the same name has been asked:
the branch of an `if` or of an inline `if`, or the right side of an `and`. Anything cleverer counts as required.
"""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

Names = frozenset[str]
NONE: Names = frozenset()


def unguarded_reads(tree: nodes.Node) -> Names:
    """Names that are read somewhere without a guard, whether or not the template sets them itself."""
    return frozenset(_reads(tree, NONE))


def _reads(node: nodes.Node, guarded: Names) -> Iterator[str]:
    match node:
        case nodes.Name():
            if node.ctx == "load" and node.name not in guarded:
                yield node.name
        case nodes.Test(node=nodes.Name(), name="defined" | "undefined"):
            pass
        case nodes.Filter(name="default" | "d", node=nodes.Name()):
            for child in (*node.args, *node.kwargs):
                yield from _reads(child, guarded)
        case nodes.If() | nodes.CondExpr():
            yield from _branches(node, guarded)
        case nodes.And():
            yield from _reads(node.left, guarded)
            yield from _reads(node.right, guarded | _defined(node.left))
        case nodes.Or():
            yield from _reads(node.left, guarded)
            yield from _reads(node.right, guarded | _undefined(node.left))
        case _:
            for child in node.iter_child_nodes():
                yield from _reads(child, guarded)


def _branches(node: nodes.If | nodes.CondExpr, guarded: Names) -> Iterator[str]:
    yield from _reads(node.test, guarded)
    first, second = guarded | _defined(node.test), guarded | _undefined(node.test)
    if isinstance(node, nodes.CondExpr):
        yield from _reads(node.expr1, first)
        if node.expr2 is not None:
            yield from _reads(node.expr2, second)
        return
    for child in node.body:
        yield from _reads(child, first)
    for child in (*node.elif_, *node.else_):
        yield from _reads(child, second)


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
