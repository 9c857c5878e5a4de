"""Writing on behalf of a task that may be cancelled meanwhile.

A thread that has begun to write goes on when its task is cancelled; one that has not, never begins. Threads take one
thing after the other, so that whatever they are given next comes after it in either case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from asgiref.sync import sync_to_async

Done = TypeVar("Done")


async def or_undone(work: Callable[[], Done], undo: Callable[[Done], object]) -> Done:
    """Do it in the thread of the database. Of a cancelled task, it is undone.

    Args:
        undo: given what `work` gave, if it had begun.
    """
    done: list[Done] = []

    def undone() -> None:
        for one in done:
            undo(one)

    try:
        await sync_to_async(lambda: done.append(work()))()
    except asyncio.CancelledError:
        await asyncio.shield(sync_to_async(undone)())
        raise
    return done[0]


async def all_the_same(work: Callable[[], Done]) -> Done:
    """Do it in the thread of the database, though the task be cancelled. It may be done twice."""
    try:
        return await sync_to_async(work)()
    except asyncio.CancelledError:
        await asyncio.shield(sync_to_async(work)())
        raise
