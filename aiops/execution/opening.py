"""Before a call leaves: its row and its hold, committed. Awaited calls that come together share a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from aiops.durable import durable, one_writer
from aiops.execution.chain import unless_cooling
from aiops.execution.prepare import Prepared
from aiops.execution.reuse import key_for
from aiops.execution.together import Together, Turn, each_alone
from aiops.execution.trouble import patient
from aiops.execution.unbroken import unbroken
from aiops.execution.window import open_window, withdraw_window


def open_call(prepared: Prepared) -> Prepared:
    """Record and hold: afterwards the call may leave.

    Raises:
        aiops.execution.errors.REFUSALS: it may not.
    """
    prepared = unless_cooling(prepared)
    with durable():
        opened = open_window([prepared], now=timezone.now())
    if opened.refusal:
        raise opened.refusal
    return prepared


async def aopen(prepare: Callable[[], Prepared]) -> Prepared:
    """As `open_call`, without blocking the event loop. A call whose asker is cancelled before it left is withdrawn.

    Args:
        prepare: gives the call; it may ask the database.

    Raises:
        aiops.execution.errors.REFUSALS: as there.
    """
    return (await _aopened(_Asked(prepare, unless_kept=False)))[1]


async def aopen_unless_kept(prepare: Callable[[], Prepared]) -> tuple[str | None, Prepared]:
    """As `aopen`; but a call whose answer may be there is not opened yet, and comes with the key of that."""
    return await _aopened(_Asked(prepare, unless_kept=True))


@dataclass(slots=True)
class _Asked:
    """A call that is to be opened."""

    prepare: Callable[[], Prepared]
    unless_kept: bool
    begun: Prepared | None = None
    """It, once its row may be there."""

    def ready(self) -> tuple[str | None, Prepared]:
        """The call, and the key of an answer that may be there; without one it is to be opened now."""
        prepared = self.prepare()
        key = key_for(prepared) if self.unless_kept else None
        if key is None:
            prepared = self.begun = unless_cooling(prepared)
        return key, prepared


_Opening = Turn[_Asked, tuple[str | None, Prepared]]


async def _aopened(asked: _Asked) -> tuple[str | None, Prepared]:
    try:
        return await _opened_together(asked)
    except asyncio.CancelledError:
        if asked.begun is not None:
            await unbroken(withdraw)([asked.begun])
        raise


def _open_all(turns: Sequence[_Opening]) -> None:
    wanted = []
    for turn in turns:
        try:
            key, prepared = turn.run(turn.wanted.ready)
        except Exception as error:
            turn.refuse(error)
            continue
        if key is None:
            wanted.append(turn)
        else:
            turn.give((key, prepared))
    each_alone(_open, wanted)


def _open(turns: Sequence[_Opening]) -> None:
    calls = [turn.wanted.begun for turn in turns if turn.wanted.begun is not None]
    with durable():
        opened = open_window(calls, now=timezone.now())
    for turn, prepared in zip(turns[: opened.count], calls, strict=False):
        turn.give((None, prepared))
    if opened.refusal:
        turns[opened.count].refuse(opened.refusal)
        # Those behind it may want less, or of somebody else. In a transaction of their own: two that take periods in
        # another order than each other would wait for ever.
        each_alone(_open, turns[opened.count + 1 :])


_opened_together = Together(_open_all)


@patient
def withdraw(calls: Sequence[Prepared]) -> None:
    """Undo `open_call` for what never left, be it opened or not."""
    with one_writer(), transaction.atomic():
        withdraw_window(calls, now=timezone.now())
