"""From a template's text to something that can be rendered: parsed, narrowed to what prompts need, compiled, kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.meta import TrackingCodeGenerator
from jinja2.visitor import NodeTransformer

from prompts.errors import BrokenTemplate, TooLarge
from prompts.rendering.environment import FUNCTIONS, PromptEnvironment
from prompts.rendering.filters import HIDDEN
from prompts.rendering.guards import unguarded_reads
from prompts.rendering.limits import TEMPLATE_CHARS
from prompts.rendering.text import bad_characters

ENVIRONMENT = PromptEnvironment()

STATEMENTS = (nodes.Template, nodes.Output, nodes.For, nodes.If, nodes.With, nodes.Assign, nodes.AssignBlock)
WORDS = {
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.Block: "block",
    nodes.Extends: "extends",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.Scope: "autoescape",
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template that can be rendered, and what it reads."""

    template: Template
    required: frozenset[str]
    """Variables read without a guard."""
    optional: frozenset[str]
    """Variables read only behind `is defined` or `default`."""
    constant: str | None
    """What it always says, where nothing is to be filled in."""

    def render(self, data: dict[str, Any]) -> str:
        """The text, with these variables. A meter must be running."""
        return self.constant if self.constant is not None else self.template.render(data)


@lru_cache(maxsize=1024)
def compiled(source: str) -> Compiled:
    """The template of a text, kept for the next time.

    Raises:
        BrokenTemplate: it cannot be understood, or uses what prompts do not have; the message names the line.
        TooLarge: it is longer than `TEMPLATE_CHARS`, or nested too deeply.
    """
    if len(source) > TEMPLATE_CHARS:
        raise TooLarge(
            _("the template has %(n)s characters: at most %(limit)s are allowed.")
            % {"n": f"{len(source):,}", "limit": f"{TEMPLATE_CHARS:,}"}
        )
    if bad_characters(source):
        raise BrokenTemplate(_("the template holds a NUL or half a character: remove it."))
    try:
        tree = ENVIRONMENT.parse(source)
        check(tree)
        take_functions(tree)
        reads = names_of_variables(tree)
        required = unguarded_reads(tree) & reads
        code = ENVIRONMENT.compile(Bounded().visit(tree), filename="<prompt>")
        # A plain dictionary: the layered one that Jinja2 makes costs more than all the rest of a rendering.
        template = Template.from_code(ENVIRONMENT, code, {})
    except TemplateSyntaxError as error:
        raise BrokenTemplate(
            _("line %(line)d: %(problem)s") % {"line": error.lineno or 1, "problem": sentence(error.message or "")}
        ) from error
    except (TemplateError, SyntaxError, ValueError) as error:
        raise BrokenTemplate(_("the template cannot be compiled: %(error)s.") % {"error": error}) from error
    except (RecursionError, MemoryError) as error:
        raise TooLarge(_("the template is nested too deeply: make it flatter.")) from error
    constant = ENVIRONMENT.concat(template.root_render_func(template.new_context())) if is_constant(tree) else None
    return Compiled(template, required, reads - required, constant)


def take_functions(tree: nodes.Template) -> None:
    """Take the names of functions out of a tree where they are called; everywhere else they are names of variables."""
    for node in below(tree):
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in FUNCTIONS:
            node.node = nodes.EnvironmentAttribute(FUNCTIONS[node.node.name], lineno=node.lineno)


def names_of_variables(tree: nodes.Template) -> frozenset[str]:
    """The names that come from outside wherever they are read; what a template sets itself is none of them."""
    generator = TrackingCodeGenerator(ENVIRONMENT)
    # `meta.find_undeclared_variables` without its optimizer, which computes nothing here and is quadratic in depth.
    generator.optimizer = None
    generator.visit(tree)
    return frozenset(generator.undeclared_identifiers)


def is_constant(tree: nodes.Template) -> bool:
    """Whether there is nothing in it but text."""
    return all(isinstance(node, nodes.Output | nodes.TemplateData) for node in below(tree))


def below(tree: nodes.Node) -> Iterator[nodes.Node]:
    """All nodes of a tree but its root, in their order. (`find_all` hands each up through every level.)"""
    todo = [tree.iter_child_nodes()]
    while todo:
        node = next(todo[-1], None)
        if node is None:
            todo.pop()
        else:
            yield node
            todo.append(node.iter_child_nodes())


def sentence(text: str) -> str:
    """What Jinja2 says, ended by one full stop."""
    return text.rstrip(".") + "."


def check(tree: nodes.Template) -> None:
    """Raises: TemplateSyntaxError: a statement or filter that prompts do not have."""
    for node in below(tree):
        if isinstance(node, nodes.Stmt) and not isinstance(node, STATEMENTS):
            fail(node, _('"%(word)s" does not exist in prompts') % {"word": WORDS.get(type(node), type(node).__name__)})
        if isinstance(node, nodes.For) and node.recursive:
            fail(node, _('"recursive" does not exist in prompts'))
        if isinstance(node, nodes.Filter) and node.name in HIDDEN:
            fail(node, _("No filter named %(name)r") % {"name": node.name})
        if isinstance(node, nodes.Filter | nodes.Test | nodes.Call) and (node.dyn_args or node.dyn_kwargs):
            fail(node, _('"*" and "**" do not exist in the calls of prompts'))


def fail(node: nodes.Node, problem: str) -> None:
    """Raises: TemplateSyntaxError: always, at the node's line."""
    raise TemplateSyntaxError(problem, node.lineno)


class Bounded(NodeTransformer):
    """Puts the meters into a tree: what could grow without calling anything now calls something that counts."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        node = self.generic_visit(node)  # type: ignore[assignment]
        chars = sum(len(data.data) for part in node.body for data in constant_texts(part))
        node.iter = through("_counted", node.iter, nodes.Const(chars, lineno=node.lineno))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        node = self.generic_visit(node)  # type: ignore[assignment]
        return through("_concat", nodes.List(node.nodes, lineno=node.lineno))

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802
        return through("_collected", self.generic_visit(node))

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802
        return through("_collected", self.generic_visit(node))

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802
        node = self.generic_visit(node)  # type: ignore[assignment]
        return through("_collected", node) if node.ctx == "load" else node


def constant_texts(node: nodes.Node) -> list[nodes.TemplateData]:
    """The texts that one turn of a loop puts out by itself; inner loops count their own."""
    if isinstance(node, nodes.TemplateData):
        return [node]
    if isinstance(node, nodes.For):
        return []
    return [text for child in node.iter_child_nodes() for text in constant_texts(child)]


def through(name: str, value: Any, *args: nodes.Expr) -> nodes.Filter:
    """`value|name(args)`"""
    filter_ = nodes.Filter(value, name, list(args), [], None, None, lineno=value.lineno)
    filter_.set_environment(ENVIRONMENT)
    return filter_
