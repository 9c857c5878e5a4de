"""What is written of a call is written, even if whoever asked is cancelled, or their event loop ends, meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from threading import Lock
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async

P = ParamSpec("P")
T = TypeVar("T")


def unbroken(write: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """A function that asks the database, to be awaited: called once, to its end.

    A task that is cancelled while it awaits that ends after it.
    """

    async def awaited(*args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        written: asyncio.Future[T] = loop.create_future()
        turn = Lock()

        def once() -> None:
            if not turn.acquire(blocking=False):
                return
            try:
                result = write(*args, **kwargs)
            except asyncio.CancelledError:
                loop.call_soon_threadsafe(written.cancel)
            except BaseException as error:
                loop.call_soon_threadsafe(written.set_exception, error)
            else:
                loop.call_soon_threadsafe(written.set_result, result)

        cancelled: asyncio.CancelledError | None = None
        while not written.done():
            try:
                # Cancelled, it either never begins or goes on unheard: asked again, it begins, or is waited for.
                await sync_to_async(once)()
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            if not written.cancelled():
                written.exception()
            raise cancelled
        return written.result()

    return awaited
