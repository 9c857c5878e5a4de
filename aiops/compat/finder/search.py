"""The whole search: read, follow, look at each call, report."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.utils.translation import gettext as _

from aiops.compat.finder.asking import Asking, calls_of
from aiops.compat.finder.doors import connected, door_of
from aiops.compat.finder.hand_made import (
    fences_off,
    json_of_answer,
    key_of_client,
    keys_in,
    loop_around,
    own_retries,
    retrying_decorator,
)
from aiops.compat.finder.kinds import IN_SIGNAL, KEY, RETRY
from aiops.compat.finder.loading import load
from aiops.compat.finder.meanings import Meanings
from aiops.compat.finder.places import Here, Place
from aiops.compat.finder.report import Finding, Report, Unread
from aiops.compat.finder.scopes import Function, Module, Scope
from aiops.compat.finder.sdk_calls import client_made, handed_on, settings_of_module, stored_prompt


def find_openai_calls(paths: Sequence[Path], *, exclude: Sequence[str] = ()) -> Report:
    """Look through the Python below the paths for what the central client replaces. Nothing of it is imported or run.

    Args:
        paths: files and folders.
        exclude: patterns as of a shell, for whole paths or for names in them.

    Raises:
        OSError: one of the paths is not there.
    """
    for path in paths:
        path.lstat()
    loaded = load(paths, exclude=exclude)
    asking = loaded.asking()
    meanings = asking.meanings
    receivers = {
        scope
        for module in loaded.tree.modules
        for call in calls_of(module)
        if (scope := connected(call, module, meanings)) is not None
    }
    findings: set[Finding] = set()
    unread = list(loaded.unread)
    for module in loaded.tree.modules:
        findings |= set(_keys(module))
        try:
            findings |= {place.finding(module) for place in _places(module, meanings, asking, receivers)}
        except RecursionError:
            asking.too_deep.add(module)
    unread += [Unread(path=module.path, why=_("is nested too deeply")) for module in asking.too_deep]
    return Report(
        findings=sorted(findings, key=lambda one: (one.path, one.line, one.column, one.kind.name)),
        unread=sorted(unread, key=lambda one: one.path),
        files=loaded.files,
    )


def _places(module: Module, meanings: Meanings, asking: Asking, receivers: set[Scope]) -> Iterator[Place]:
    yield from asking.places[module].values()
    asks = bool(asking.places[module])
    fences: set[Scope | None] = set()
    for node, scope in module.scopes.items():
        match node:
            case ast.Call():
                here = Here(call=node, module=module, meanings=meanings)
                looks = (client_made(here), stored_prompt(here), json_of_answer(here), own_retries(here))
                yield from (place for place in (*looks, key_of_client(here)) if place is not None)
                fence = fences_off(here, asks=asks)
                # Fences are cut off in several steps; one of them says it.
                if fence is not None and scope.function() not in fences:
                    fences.add(scope.function())
                    yield fence
            case ast.Attribute():
                if (place := handed_on(node, module, meanings)) is not None:
                    yield place
            case ast.Assign():
                yield from settings_of_module(node, module, meanings)
    for site in asking.sites[module]:
        yield from _around(site, module, meanings, asking, receivers)


def _around(
    site: ast.Call, module: Module, meanings: Meanings, asking: Asking, receivers: set[Scope]
) -> Iterator[Place]:
    own = asking.places[module].get(site)
    what = own.what if own else f"{Here(call=site, module=module, meanings=meanings).method}(…)"
    loop = loop_around(site, module, meanings)
    if loop is not None and (site in asking.of_models[module] or loop.kind is RETRY):
        yield loop
    function = module.scopes[site].function()
    if own is not None and function is not None and isinstance(function.node, Function):
        for decorator in function.node.decorator_list:
            if (place := retrying_decorator(decorator, module, meanings)) is not None:
                yield place
    kind = door_of(site, module, meanings)
    if kind is None and receivers & set(module.scopes[site].up()):
        kind = IN_SIGNAL
    if kind is not None:
        yield Place(node=site, kind=kind, what=what)


def _keys(module: Module) -> Iterator[Finding]:
    return (
        Finding(path=module.path, line=line, column=column, kind=KEY, what="sk-…", advice=str(KEY.advice))
        for line, column in keys_in(module.lines)
    )
