"""What is written of a call is written, even if whoever asked is cancelled meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async

P = ParamSpec("P")
T = TypeVar("T")


def unbroken(write: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """A function that asks the database, to be awaited. A task that is cancelled while it awaits that ends after it."""
    threaded = sync_to_async(write)

    async def awaited(*args: P.args, **kwargs: P.kwargs) -> T:
        written = asyncio.ensure_future(threaded(*args, **kwargs))
        try:
            return await asyncio.shield(written)
        except asyncio.CancelledError:
            # Else an event loop that ends with its last task would leave it half done.
            await asyncio.wait([written])
            raise

    return awaited
