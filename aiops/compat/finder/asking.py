"""Functions of the shop that ask a model, by themselves or by others that they call."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from aiops.compat.finder.http_calls import call_by_http
from aiops.compat.finder.libraries import call_of_library
from aiops.compat.finder.meaning import Meaning, Own, Reached
from aiops.compat.finder.meanings import Meanings
from aiops.compat.finder.places import Here, Place
from aiops.compat.finder.scopes import Module, Scope
from aiops.compat.finder.sdk_calls import call_of_sdk


def asks(here: Here) -> Place | None:
    """A call that asks a model or its provider; None for every other."""
    return call_of_sdk(here) or call_of_library(here) or call_by_http(here)


@dataclass(slots=True)
class Asking:
    """Which functions ask, over all modules."""

    meanings: Meanings
    places: dict[Module, dict[ast.Call, Place]] = field(default_factory=dict)
    """The calls themselves."""

    sites: dict[Module, list[ast.Call]] = field(default_factory=dict)
    """Those, and calls of functions that ask."""

    too_deep: set[Module] = field(default_factory=set)
    """Nested deeper than Python's own stack."""


def asking_in(modules: Iterable[Module], meanings: Meanings) -> Asking:
    """Look at every call of the modules."""
    asking = Asking(meanings)
    functions: set[Scope] = set()
    own: list[tuple[Module, ast.Call, Scope]] = []
    for module in modules:
        asking.places[module], asking.sites[module] = {}, []
        try:
            own += _look(module, asking, functions)
        except RecursionError:
            asking.too_deep.add(module)
    _spread(own, asking, functions)
    return asking


def _look(module: Module, asking: Asking, functions: set[Scope]) -> list[tuple[Module, ast.Call, Scope]]:
    """Keep the calls that ask; returns those of the shop's own functions."""
    own = []
    for call in calls_of(module):
        here = Here(call=call, module=module, meanings=asking.meanings)
        if (place := asks(here)) is not None:
            asking.places[module][call] = place
            if place.kind.is_call:
                _asks(call, module, asking, functions)
        elif (function := _own_function(asking.meanings.of(call.func, here.scope))) is not None:
            own.append((module, call, function))
    return own


def _spread(own: list[tuple[Module, ast.Call, Scope]], asking: Asking, functions: set[Scope]) -> None:
    """A function that calls one that asks, asks."""
    while True:
        new = [one for one in own if one[2] in functions]
        if not new:
            return
        own = [one for one in own if one[2] not in functions]
        for module, call, _function in new:
            _asks(call, module, asking, functions)


def _asks(call: ast.Call, module: Module, asking: Asking, functions: set[Scope]) -> None:
    asking.sites[module].append(call)
    if (function := module.scopes[call].function()) is not None:
        functions.add(function)


def exported(asking: Asking) -> Iterator[tuple[Module, str]]:
    """Names of modules by which others reach a client or something that asks."""
    for module, sites in asking.sites.items():
        inside = {scope for site in sites for scope in module.scopes[site].up()}
        for name, bindings in module.scope.bindings.items():
            asks_inside = any(binding.how == "scope" and binding.scope in inside for binding in bindings)
            if asks_inside or _is_client(name, module, asking.meanings):
                yield module, name


def _is_client(name: str, module: Module, meanings: Meanings) -> bool:
    """A client of the SDK, a function that gives one, a class that has one, or the module `openai` set up."""
    meaning = meanings.name(name, module.scope)
    if isinstance(meaning, Own) and meaning.scope.is_function:
        meaning = meanings.given_back(meaning.scope)
    elif isinstance(meaning, Own) and meaning.scope.is_class:
        members = (*meaning.scope.bindings, *meaning.scope.attributes)
        found = (meanings.member(meaning, member) for member in members)
        meaning = next((one for one in found if _is_of_sdk(one)), None)
    return _is_of_sdk(meaning)


def _is_of_sdk(meaning: Meaning) -> bool:
    return isinstance(meaning, Reached) and meaning.path.startswith("openai.") and "()" in meaning.path


def calls_of(module: Module) -> Iterator[ast.Call]:
    """Every call, the innermost first: what a long chain begins with is then known when its end is asked about."""
    return (node for node in reversed(module.scopes) if isinstance(node, ast.Call))


def _own_function(meaning: Meaning) -> Scope | None:
    return meaning.scope if isinstance(meaning, Own) and meaning.scope.is_function else None
