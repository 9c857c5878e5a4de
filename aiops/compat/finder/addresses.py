"""Addresses that a call is given, put together from literals and constants, and whether they are OpenAI's."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from aiops.compat.finder.kinds import (
    ASSISTANTS,
    CHAT,
    COMPLETION,
    EMBEDDINGS,
    HTTP,
    MODERATION,
    RESPONSES,
    SPEECH,
    TRANSCRIPTION,
    Kind,
)
from aiops.compat.finder.meaning import Own, OwnModule, Reached
from aiops.compat.finder.meanings import Meanings
from aiops.compat.finder.scopes import Scope
from aiops.compat.finder.tree import absolute

UNKNOWN = "{}"
"""Stands for a part of an address that only running the code would show."""

HOST = re.compile(r"\b(?:api\.openai\.com|[\w{}-]+\.openai\.azure\.com)(?![\w.-])", re.IGNORECASE)

ENDS: tuple[tuple[re.Pattern[str], Kind], ...] = tuple(
    (re.compile(rf"{end}/?(?:\?.*)?$"), kind)
    for end, kind in (
        (r"/chat/completions", CHAT),
        (r"/v1/completions", COMPLETION),
        (r"/v1/responses", RESPONSES),
        (r"/v1/embeddings", EMBEDDINGS),
        (r"/v1/moderations", MODERATION),
        (r"/v1/audio/transcriptions", TRANSCRIPTION),
        (r"/v1/audio/speech", SPEECH),
        (r"/v1/images/generations", HTTP),
    )
)
"""Ends that only OpenAI's interface has, whoever serves it; `/v1/files` may be a shop's own."""

MOST = 200
"""Expressions looked at for one address."""


@dataclass(frozen=True, slots=True)
class Address:
    """One that leads to OpenAI, or to a server that speaks like it."""

    text: str
    kind: Kind
    """What is asked there; HTTP where the address does not say."""

    @property
    def is_relative(self) -> bool:
        """Without a host: what it leads to depends on who sends it."""
        return self.text.startswith("/")


def address_in(text: str) -> Address | None:
    """The address that a text is; None where it leads elsewhere."""
    text = text.strip()
    if re.search(r"\s", text):
        return None  # A sentence that mentions one.
    at_openai = HOST.search(text) is not None
    if at_openai and re.search(r"/(?:assistants|threads)(?:/|$)", text):
        return Address(text, ASSISTANTS)
    for end, kind in ENDS:
        found = end.search(text)
        if found and (at_openai or found.start() == 0 or text.startswith(("http", UNKNOWN, "/"))):
            return Address(text, kind)
    return Address(text, HTTP) if at_openai else None


Places = list[tuple[ast.expr, Scope]]


@dataclass(slots=True)
class Texts:
    """Puts together the text that an expression comes to. One object for one expression."""

    meanings: Meanings
    _asked: set[ast.expr] = field(default_factory=set)

    def of(self, node: ast.expr, scope: Scope) -> str:
        """The text, `{}` for what is not known of it."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else UNKNOWN
        # Never left again: what is bound by itself, as in `url = url + path`, ends here.
        if node in self._asked or len(self._asked) > MOST:
            return UNKNOWN
        self._asked.add(node)
        match node:
            case ast.JoinedStr():
                return "".join(self.of(value, scope) for value in node.values)
            case ast.FormattedValue():
                return self.of(node.value, scope)
            case ast.BinOp(op=ast.Add()):
                return self.of(node.left, scope) + self.of(node.right, scope)
            case ast.BinOp(op=ast.Mod()):
                return re.sub(r"%(\(\w+\))?[sdr]", UNKNOWN, self.of(node.left, scope))
            case ast.BoolOp(op=ast.Or()):
                return self._first([(value, scope) for value in node.values])
            case ast.IfExp():
                return self._first([(node.body, scope), (node.orelse, scope)])
            case ast.Call():
                return self._of_call(node, scope)
            case ast.Name():
                return self._first(self._of_name(node.id, scope))
            case ast.Attribute():
                return self._first(self._of_attribute(node, scope))
        return UNKNOWN

    def _first(self, places: Places) -> str:
        texts = [text for value, scope in places if (text := self.of(value, scope)) != UNKNOWN]
        return next((text for text in texts if address_in(text)), texts[0] if texts else UNKNOWN)

    def _of_call(self, node: ast.Call, scope: Scope) -> str:
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method in {"format", "rstrip", "strip", "removesuffix"} and isinstance(node.func, ast.Attribute):
            held = self.of(node.func.value, scope)
            return re.sub(r"\{\w*\}", UNKNOWN, held) if method == "format" else held.rstrip("/")
        if self.meanings.path(node.func, scope).endswith("urljoin") and len(node.args) == 2:
            base, rest = (self.of(one, scope) for one in node.args)
            return f"{base.rstrip('/')}/{rest.lstrip('/')}"
        # `os.environ.get(name, default)`, `getattr(settings, name, default)`, `env.str(name, default)`.
        for default in [*node.args[1:], *(k.value for k in node.keywords if k.arg == "default")]:
            text = self.of(default, scope)
            if "/" in text:
                return text
        # `URL(…)`, `str(…)` and the like give back what they are given.
        return self.of(node.args[0], scope) if len(node.args) == 1 and not method else UNKNOWN

    def _of_name(self, name: str, scope: Scope) -> Places:
        places: Places = []
        for binding in self.meanings.bindings(name, scope):
            if binding.how == "value" and binding.node is not None:
                places.append((binding.node, binding.scope))
            elif binding.how == "imported":
                found = self.meanings.tree.find(absolute(binding.scope.module, binding.path))
                if found is not None and len(found[1]) == 1:
                    places += _values(found[0].scope, found[1][0])
        return places

    def _of_attribute(self, node: ast.Attribute, scope: Scope) -> Places:
        holder = self.meanings.of(node.value, scope)
        if isinstance(holder, Own) and holder.scope.is_class:
            found = [*holder.scope.bindings.get(node.attr, ()), *holder.scope.attributes.get(node.attr, ())]
            return [(b.node, b.scope) for b in found if b.how == "value" and b.node]
        if isinstance(holder, OwnModule):
            return _values(holder.module.scope, node.attr)
        if isinstance(holder, Reached) and holder.path == "django.conf.settings":
            return [place for module in self.meanings.tree.settings() for place in _values(module.scope, node.attr)]
        return []


def _values(scope: Scope, name: str) -> Places:
    return [(b.node, b.scope) for b in scope.bindings.get(name, ()) if b.how == "value" and b.node]
