"""Whether `AIOPS["OLD_WAY"]` names call sites that there are."""

from __future__ import annotations

from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from django.core.checks import CheckMessage, Warning

from aiops.compat.old_way import covers, sites
from aiops.options import InvalidOption, options


def check_old_way(**_: Any) -> list[CheckMessage]:
    """W011: a name that no function decorated with `moved_from` has."""
    try:
        names = options().old_way
    except InvalidOption:
        return []  # E001 says it.
    return [_unknown(name) for name in names if not _is_known(name)]


def _is_known(name: str) -> bool:
    if any(covers(name, site) for site in sites):
        return True
    # A site is known once its module was imported, and nobody may have wanted that module yet.
    parts = name.removesuffix(".*").split(".")
    for end in range(1, len(parts) + 1):
        # Whatever a module of the shop raises when it is imported, it is not this check that should fail by it.
        with suppress(Exception):
            import_module(".".join(parts[:end]))
    return any(covers(name, site) for site in sites)


def _unknown(name: str) -> CheckMessage:
    near = get_close_matches(name, sorted(sites), n=1)
    instead = f"Did you mean {near[0]}? " if near else ""
    return Warning(
        f"AIOPS['OLD_WAY'] names {name}, and no function decorated with moved_from is called that.",
        hint=f"{instead}The name is the module and the qualified name of the new function; "
        "delete it where the old way is gone.",
        id="aiops.W011",
    )
