"""A call site that has moved over, and the switch that sends it back: `AIOPS["OLD_WAY"]`."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from asgiref.sync import async_to_sync, sync_to_async

from aiops.options import options

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)

sites: set[str] = set()
"""Every site decorated so far in this process, as `module.qualname`."""

_said: set[str] = set()


def moved_from(old: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates the function that took over from `old`, which is called again where `AIOPS["OLD_WAY"]` names the site.

    The site is called after the new function: `module.qualname`. One of the two may be `async` and the other not.

    Raises:
        TypeError: the decorated thing is no plain function, or one of the two is an async generator and the other not.
    """

    def decorate(new: Callable[P, R]) -> Callable[P, R]:
        if not inspect.isfunction(new):
            raise TypeError("@moved_from belongs directly on the function, below @classmethod and @staticmethod.")
        if inspect.isasyncgenfunction(new) != inspect.isasyncgenfunction(old):
            raise TypeError(f"{new.__qualname__} and its old way must both be asynchronous generators, or neither.")
        site = f"{new.__module__}.{new.__qualname__}"
        sites.add(site)
        if inspect.iscoroutinefunction(new):
            awaited = old if inspect.iscoroutinefunction(old) else sync_to_async(old)

            @wraps(new)
            async def choose_async(*args: Any, **kwargs: Any) -> Any:
                return await (awaited if goes_the_old_way(site) else new)(*args, **kwargs)

            return cast("Callable[P, R]", choose_async)
        called = async_to_sync(old) if inspect.iscoroutinefunction(old) else old

        @wraps(new)
        def choose(*args: P.args, **kwargs: P.kwargs) -> R:
            return (called if goes_the_old_way(site) else new)(*args, **kwargs)  # type: ignore[no-any-return]

        return choose

    return decorate


def goes_the_old_way(site: str) -> bool:
    """Whether the setting sends this site back; said in the log once a process.

    Raises:
        InvalidOption: the setting AIOPS makes no sense.
    """
    if not any(covers(name, site) for name in options().old_way):
        return False
    if site not in _said:
        _said.add(site)
        logger.info("%s goes the old way, as AIOPS['OLD_WAY'] says: its calls are neither logged nor limited.", site)
    return True


def covers(name: str, site: str) -> bool:
    """Whether an entry of the setting means this site: its own name, or `shop.tickets.*` for all below."""
    return name == site or (name.endswith(".*") and site.startswith(name[:-1]))
