"""Functions of the shop that ask a model, by themselves or by others that they call."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from aiops.compat.finder.http_calls import call_by_http
from aiops.compat.finder.kinds import NO_MODEL
from aiops.compat.finder.libraries import call_of_library
from aiops.compat.finder.meaning import Meaning, Own, Reached
from aiops.compat.finder.meanings import Meanings
from aiops.compat.finder.places import Here, Place
from aiops.compat.finder.scopes import Module, Scope
from aiops.compat.finder.sdk_calls import call_of_sdk

OwnCall = tuple[Module, ast.Call, Scope]
"""A call of a function of the shop, and that function."""


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

    of_models: dict[Module, set[ast.Call]] = field(default_factory=dict)
    """Of the sites, those where a model is asked, not only the provider."""

    too_deep: set[Module] = field(default_factory=set)
    """Nested deeper than Python's own stack."""


def asking_in(modules: Iterable[Module], meanings: Meanings) -> Asking:
    """Look at every call of the modules."""
    asking = Asking(meanings)
    own: list[OwnCall] = []
    for module in modules:
        asking.places[module], asking.sites[module], asking.of_models[module] = {}, [], set()
        try:
            own += _look(module, asking)
        except RecursionError:
            asking.too_deep.add(module)
    direct = [
        (module, call) for module, places in asking.places.items() for call in places if places[call].kind.is_call
    ]
    of_models = [(module, call) for module, call in direct if asking.places[module][call].kind not in NO_MODEL]
    for module, call in _spread(own, direct):
        asking.sites[module].append(call)
    for module, call in _spread(own, of_models):
        asking.of_models[module].add(call)
    return asking


def _look(module: Module, asking: Asking) -> Iterator[OwnCall]:
    """Keep the calls that ask; gives those of the shop's own functions."""
    for call in calls_of(module):
        here = Here(call=call, module=module, meanings=asking.meanings)
        if (place := asks(here)) is not None:
            asking.places[module][call] = place
        elif (function := _own_function(asking.meanings.of(call.func, here.scope))) is not None:
            yield module, call, function


def _spread(own: Sequence[OwnCall], direct: Sequence[tuple[Module, ast.Call]]) -> list[tuple[Module, ast.Call]]:
    """Those calls, and the calls of functions with one of them inside: a function that calls one that asks, asks."""
    found, new = list(direct), list(direct)
    left = list(own)
    functions: set[Scope] = set()
    while new:
        functions |= {scope for module, call in new if (scope := module.scopes[call].function()) is not None}
        new = [(module, call) for module, call, function in left if function in functions]
        left = [one for one in left if one[2] not in functions]
        found += new
    return found


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
