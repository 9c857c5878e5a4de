"""What other apps may add to the pages of prompts, without prompts knowing them.

An app registers in the `ready()` of its AppConfig:

    from prompts import extensions
    from prompts.models import Prompt, PromptVersion

    extensions.offer_connections(lambda: [("default", "OpenAI"), ("local", "this machine")])
    extensions.offer_models(lambda user: [("gpt-6-luna", "GPT-6 Luna, quick and cheap")])
    extensions.extend(PromptVersion, extensions.Panel("used-by", _("Used by"), "shop/used_by.html", used_by))
    extensions.extend(Prompt, extensions.Column("calls", _("calls"), calls_of, annotate=with_calls))
    extensions.extend(PromptVersion, extensions.Address("try", try_it, tool=_("Try it"), permissions=("shop.run_job",)))

The models that can be extended are Prompt, PromptVersion, OutputSchema and SchemaVersion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of an object's page."""

    name: str
    """Unique for the model; a part of its HTML id."""
    title: Any
    template: str
    context: Callable[[HttpRequest, Any], dict[str, Any] | None]
    """Given the request and the object; None where there is nothing to show to this person."""
    first: bool = False
    """Whether it stands above the object's own fields."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the list."""

    name: str
    header: Any
    value: Callable[[Any], Any]
    """Given a row; escaped unless it is safe already."""
    annotate: Callable[[QuerySet[Any]], QuerySet[Any]] | None = None
    """Adds what `value` reads, so that the list keeps its number of queries."""
    ordering: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A page below an object's own: `…/<pk>/<name>/`, named `admin:<app>_<model>_<name>`."""

    name: str
    view: Callable[[HttpRequest, Any], HttpResponseBase]
    """Given the request and the object, once the person may see it; refuses GET by itself where it has an effect."""
    tool: Any = ""
    """Text of the link at the top of the object's page; blank for none."""
    permissions: tuple[str, ...] = ()
    """All needed for the page and its link, such as `aiops.run_job`; none where seeing the object is enough."""


E = TypeVar("E", Panel, Column, Address)

_extensions: dict[type[Model], list[Panel | Column | Address]] = {}
_connections: list[Callable[[], Sequence[tuple[str, Any]]]] = []
_models: list[Callable[[Any], Sequence[tuple[str, Any]]]] = []


def extend(model: type[Model], extension: Panel | Column | Address) -> None:
    """Add to the pages of a model. The same name again replaces what was there. Addresses count from `ready()` only."""
    withdraw(model, type(extension), extension.name)
    _extensions.setdefault(model, []).append(extension)


def withdraw(model: type[Model], kind: type[Panel | Column | Address], name: str) -> None:
    """Take an extension out again, if it is there."""
    _extensions[model] = [each for each in _extensions.get(model, []) if not (type(each) is kind and each.name == name)]


def extensions_of(model: type[Model], kind: type[E]) -> list[E]:
    """Those of one kind, in the order in which they came."""
    return [each for each in _extensions.get(model, []) if isinstance(each, kind)]


def offer_connections(choices: Callable[[], Sequence[tuple[str, Any]]]) -> None:
    """Say which connections a version may name: asked for each form anew, alias and text."""
    _connections.append(choices)


def withdraw_connections(choices: Callable[[], Sequence[tuple[str, Any]]]) -> None:
    """Take an offer back, if it was made."""
    if choices in _connections:
        _connections.remove(choices)


def connection_choices() -> list[tuple[str, Any]]:
    """All that are offered, each alias once; empty where nobody offers any: then an alias is typed."""
    return list({alias: text for offer in _connections for alias, text in offer()}.items())


def offer_models(choices: Callable[[Any], Sequence[tuple[str, Any]]]) -> None:
    """Say which models a person may name: asked for each form anew, name and text. Others can be typed."""
    _models.append(choices)


def withdraw_models(choices: Callable[[Any], Sequence[tuple[str, Any]]]) -> None:
    """Take an offer back, if it was made."""
    if choices in _models:
        _models.remove(choices)


def model_choices(user: Any) -> list[tuple[str, Any]]:
    """All that are offered to a user, each model once."""
    return list({model: text for offer in _models for model, text in offer(user)}.items())
