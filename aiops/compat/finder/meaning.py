"""What an expression may stand for."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from aiops.compat.finder.scopes import Module, Scope

SAME_LIBRARY = {
    "langfuse.openai.openai": "openai",
    "langfuse.openai": "openai",
    "openai.lib.azure": "openai",
    "openai._client": "openai",
    "openai.Client": "openai.OpenAI",
    "openai.AsyncClient": "openai.AsyncOpenAI",
}
"""Other names for what the SDK has."""

ANSWERS = {"choices", "output_text"}
"""What only an answer of a model has: followed even where nobody knows what holds it."""

ANSWER = re.compile(r"\.(?:choices\[\]\.(?:message|delta)\.content|choices\[\]\.text|output_text)\b")
"""The text of an answer."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Something that does not belong to the shop."""

    path: str
    """As in `openai.OpenAI().chat.completions.create`: `()` is a call, `[]` an item by number; an item by name is like
    an attribute. `?` at the beginning is what nobody knows."""

    call: ast.Call | None = None
    """The last call in it; in an answer and what is made of it, the call that was answered."""


@dataclass(frozen=True, slots=True)
class Own:
    """A function or class of the shop, or an instance of such a class."""

    scope: Scope
    is_instance: bool = False


@dataclass(frozen=True, slots=True)
class OwnModule:
    module: Module


@dataclass(frozen=True, slots=True)
class Several:
    """A list or a dictionary written out."""

    nodes: tuple[ast.expr, ...]
    scope: Scope


Meaning = Reached | Own | OwnModule | Several | None


def same_library(path: str) -> str:
    """The SDK's own name for what goes by another one as well."""
    for other, own in SAME_LIBRARY.items():
        if path == other or path.startswith((f"{other}.", f"{other}(")):
            return own + path[len(other) :]
    return path
