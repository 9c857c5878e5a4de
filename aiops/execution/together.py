"""Work of tasks that come together, done in one go.

A go of a thread, and a transaction in it, cost as much for one call as for many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any, Generic, ParamSpec, TypeVar

from asgiref.sync import AsyncToSync, SyncToAsync
from django.db import InterfaceError, OperationalError
from django.utils import translation

from aiops.durable import InTransaction
from aiops.execution.unbroken import unbroken

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")
G = TypeVar("G")

MOST = 32
"""Turns of one go: nobody else may write meanwhile."""

FOR_ALL = (InTransaction, InterfaceError, OperationalError)
"""What no turn is to blame for: each by itself would only meet it again."""


class Turn(Generic[T, R]):
    """What one task wants done, and what came of it."""

    def __init__(self, wanted: T) -> None:
        self.wanted = wanted
        self.done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._context: Context = copy_context()
        self._language = translation.get_language()
        self._given: R | None = None
        self._error: BaseException | None = None

    def run(self, function: Callable[P, G], *args: P.args, **kwargs: P.kwargs) -> G:
        """Call a function as the task itself would: with its context, in its language."""

        def in_its_language() -> G:
            with translation.override(self._language):
                return function(*args, **kwargs)

        return self._context.run(in_its_language)

    def give(self, given: R) -> None:
        """It is done."""
        self._given, self._error = given, None

    def refuse(self, error: BaseException) -> None:
        """It could not be done."""
        self._error = error

    def tell(self) -> None:
        """Let the task know; on its event loop."""
        if self.done.done():
            return
        if self._error is not None:
            self.done.set_exception(self._error)
            # Whose task was cancelled meanwhile asks for nothing any more.
            self.done.exception()
        else:
            self.done.set_result(self._given)  # type: ignore[arg-type]


class Together(Generic[T, R]):
    """Calls a function for all who wait, as soon as it has come back from those before.

    Only what asks the database in the same thread is done together: nobody's work is done in another's transaction.
    """

    def __init__(self, do: Callable[[Sequence[Turn[T, R]]], None]) -> None:
        """
        Args:
            do: sees to each turn; it may ask the database.
        """
        self._do = unbroken(do)
        self._waiting: dict[Hashable, deque[Turn[T, R]]] = {}
        self._at_work: set[asyncio.Task[None]] = set()

    async def __call__(self, wanted: T) -> R:
        """Have it done. A task that is cancelled while it waits for that ends after it."""
        turn: Turn[T, R] = Turn(wanted)
        thread = _thread()
        if thread in self._waiting:
            self._waiting[thread].append(turn)
        else:
            self._waiting[thread] = deque([turn])
            task = asyncio.ensure_future(self._work(thread))
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        try:
            return await asyncio.shield(turn.done)
        except asyncio.CancelledError:
            while not turn.done.done():
                # Whoever cancels again has to wait as well: else it would be done for nobody.
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([turn.done])
            raise

    async def _work(self, thread: Hashable) -> None:
        waiting = self._waiting[thread]
        try:
            while waiting:
                await self._one_go([waiting.popleft() for _ in range(min(MOST, len(waiting)))])
        finally:
            del self._waiting[thread]

    async def _one_go(self, turns: Sequence[Turn[T, R]]) -> None:
        try:
            # An event loop that ends cancels this: what has come is done, and told, all the same.
            with suppress(asyncio.CancelledError):
                await self._do(turns)
        except Exception as error:
            for turn in turns:
                turn.refuse(error)
        for turn in turns:
            turn.tell()


def each_alone(do: Callable[[Sequence[Turn[T, R]]], None], turns: Sequence[Turn[T, R]]) -> None:
    """See to turns in one transaction; where that breaks, to each by itself: what one holds stops no other.

    Args:
        do: gives and refuses, once its transaction is committed.
    """
    if not turns:
        return
    try:
        do(turns)
    except Exception as error:
        if len(turns) > 1 and not isinstance(error, FOR_ALL):
            for turn in turns:
                each_alone(do, [turn])
        else:
            for turn in turns:
                turn.refuse(error)


def _thread() -> Hashable:
    """Stands for the thread in which the running task asks the database."""
    context: Any = SyncToAsync.thread_sensitive_context.get(None)
    return asyncio.get_running_loop(), context, getattr(AsyncToSync.executors, "current", None)
