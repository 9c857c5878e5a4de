"""Asking the same once: `asked_once` for threads, `aasked_once` for event loops; both wait in the same lines.

with asked_once(key, deadline=30) as flight:
    if flight.answer is None:
        ...  # Ask, within `flight.left` seconds; where the answer is good:
        keep([new], ttl=ttl, now=timezone.now())
        flight.answer = new.cached
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

from asgiref.sync import sync_to_async
from django.db import connections, router
from django.utils import timezone

from aiops.cache.answers import look_up
from aiops.cache.errors import WaitedTooLong
from aiops.cache.flights import Flight, board, leave
from aiops.cache.leases import give_back, take
from aiops.cache.models import Asking

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
"""Seconds between two looks at what another process has got; each pause is half as long again as the one before."""

MARGIN = 5.0
"""Seconds that a lease outlasts the deadline of who asks."""


@contextmanager
def asked_once(key: str, *, deadline: float, everywhere: bool = True) -> Iterator[Flight]:
    """Ask, or wait for who is asking the same and take its answer.

    Within the block `flight.answer` is that answer; or None, and then it is for the block to ask, to keep what it got
    and to put it there. Where the block ends without an answer, by an exception too, the next one who waits asks.
    Not to be used within itself with the same key. In somebody's transaction, whose rows no other process could see, it
    is among the threads and loops of this one only.

    Args:
        deadline: seconds that waiting and asking may take together.
        everywhere: among all processes; False is among the threads and loops of this one, without a query.

    Raises:
        WaitedTooLong: the deadline has come, and others are still asking.
    """
    flight = board(key, deadline=deadline)
    try:
        if flight.turn is not None:
            try:
                flight.answer = flight.turn.result(flight.left)
            except TimeoutError:
                raise WaitedTooLong(deadline) from None
        if flight.answer is None and everywhere:
            for pause in _pauses(flight, deadline):
                if _is_settled(flight):
                    break
                time.sleep(pause)
        yield flight
    finally:
        if leave(flight) and everywhere:
            give_back([key], owner=flight.line.owner)


@asynccontextmanager
async def aasked_once(key: str, *, deadline: float, everywhere: bool = True) -> AsyncIterator[Flight]:
    """As `asked_once`, without blocking the event loop."""
    flight = board(key, deadline=deadline)
    try:
        if flight.turn is not None:
            try:
                # Shielded: to give up waiting is for `leave`, which knows whether the lead was given to us meanwhile.
                turn = asyncio.shield(asyncio.wrap_future(flight.turn))
                flight.answer = await asyncio.wait_for(turn, flight.left)
            except TimeoutError:
                raise WaitedTooLong(deadline) from None
        if flight.answer is None and everywhere:
            for pause in _pauses(flight, deadline):
                if await sync_to_async(_is_settled)(flight):
                    break
                await asyncio.sleep(pause)
        yield flight
    finally:
        if leave(flight) and everywhere:
            await sync_to_async(give_back)([key], owner=flight.line.owner)


def _pauses(flight: Flight, deadline: float) -> Iterator[float]:
    """Seconds to wait after each look, for as long as there is time.

    Raises:
        WaitedTooLong: there is none left.
    """
    pause = FIRST_PAUSE
    while left := flight.left:
        yield min(pause, left)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    raise WaitedTooLong(deadline)


def _is_settled(flight: Flight) -> bool:
    """Whether it is settled who asks, among all processes: we do, or another has, and its answer is there."""
    now = timezone.now()
    until = now + timedelta(seconds=flight.left + MARGIN)
    alone = connections[router.db_for_write(Asking)].in_atomic_block
    leads = alone or bool(take([flight.key], owner=flight.line.owner, until=until, now=now))
    # Afterwards, since another may have got the answer just before.
    flight.answer = look_up([flight.key], now=now).get(flight.key)
    return leads or flight.answer is not None
