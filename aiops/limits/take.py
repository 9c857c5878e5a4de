"""Leave to make one call: `take` for threads, `atake` for event loops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from django.db import connection as database

from aiops.gateway.connection import Connection
from aiops.limits.errors import TooBusy
from aiops.limits.keeper import Keeper, keeper
from aiops.limits.lane import Lane, Waiter
from aiops.limits.limits import limits_of
from aiops.limits.pace import Ask, Priority
from aiops.limits.store import chosen_store
from aiops.options import options

PERSON: Final = Priority.PERSON
JOB: Final = Priority.JOB


class Permit:
    """One call may leave. `.waited` is how many seconds that took."""

    __slots__ = ("_counted", "_lane", "_of", "waited")

    def __init__(
        self, of: Keeper | None = None, lane: Lane | None = None, counted: int = 0, waited: float = 0.0
    ) -> None:
        self.waited = waited
        self._of = of
        self._lane = lane
        self._counted = counted

    def used(self, tokens: int) -> None:
        """Count what it really was, read and written, instead of what was asked for. Makes no query by itself."""
        if self._of is None or self._lane is None:
            return
        tokens = _countable(self._lane, tokens)
        self._of.correct(self._lane, self._counted - tokens)
        self._counted = tokens


@contextmanager
def take(
    connection: Connection,
    model: str,
    *,
    tokens: int = 0,
    priority: Priority = PERSON,
    deadline: float | None = None,
) -> Iterator[Permit]:
    """Wait until a call may leave; inside the block it is in flight. Costs nothing where no limit is known.

    Args:
        tokens: the most that it can read and write. `permit.used()` says later what it was.
        priority: PERSON where somebody waits for the answer; those go first, in all processes.
        deadline: seconds that may be waited; the connection's own deadline where there is none.

    Raises:
        TooBusy: it would not be let through within the deadline, said as soon as that is sure; nothing was taken.
        InvalidOption: the settings name a Redis, and the package for it is missing.
    """
    lane = _lane(connection, model)
    if lane is None:
        yield Permit()
        return
    of, waiter = keeper(), _waiter(lane, tokens, priority, deadline)
    if _is_the_only_writer():
        of.ask_here(lane, waiter)
    else:
        of.join(lane, waiter)
    try:
        waited = waiter.future.result(max(0.0, waiter.deadline - waiter.since))
    except TimeoutError:
        of.abandon(lane, waiter)
        raise lane.too_busy(time.monotonic()) from lane.trouble
    except TooBusy:
        raise
    except BaseException:
        of.abandon(lane, waiter)
        raise
    try:
        yield Permit(of, lane, waiter.ask.tokens, waited)
    finally:
        of.leave(lane)


@asynccontextmanager
async def atake(
    connection: Connection,
    model: str,
    *,
    tokens: int = 0,
    priority: Priority = PERSON,
    deadline: float | None = None,
) -> AsyncIterator[Permit]:
    """As `take`, without blocking the event loop.

    Raises:
        TooBusy, InvalidOption: as `take`.
    """
    lane = _lane(connection, model)
    if lane is None:
        yield Permit()
        return
    of, waiter = keeper(), _waiter(lane, tokens, priority, deadline)
    of.join(lane, waiter)
    try:
        async with asyncio.timeout(max(0.0, waiter.deadline - waiter.since)):
            waited = await asyncio.wrap_future(waiter.future)
    except TimeoutError:
        of.abandon(lane, waiter)
        raise lane.too_busy(time.monotonic()) from lane.trouble
    except TooBusy:
        raise
    except BaseException:
        of.abandon(lane, waiter)
        raise
    try:
        yield Permit(of, lane, waiter.ask.tokens, waited)
    finally:
        of.leave(lane)


def _lane(connection: Connection, model: str) -> Lane | None:
    """Where to stand in line; None where nothing has to be kept to."""
    if not limits_of(connection, model) and not keeper().is_watched((connection.alias, model)):
        return None
    chosen_store()  # What is wrong with the settings is said to whoever asks.
    return keeper().lane(connection, model)


def _waiter(lane: Lane, tokens: int, priority: Priority, deadline: float | None) -> Waiter:
    now = time.monotonic()
    patience = lane.connection.deadline if deadline is None else deadline
    return Waiter(ask=Ask(priority=priority, tokens=_countable(lane, tokens)), since=now, deadline=now + patience)


def _countable(lane: Lane, tokens: int) -> int:
    """No call counts more than a minute's worth: it could never pass, and the provider may see it otherwise."""
    most = lane.limits.tokens_per_minute
    return max(0, tokens if most is None else min(tokens, most))


def _is_the_only_writer() -> bool:
    """Whether nobody else can write before the caller's own transaction is over."""
    return database.vendor == "sqlite" and database.in_atomic_block and options().redis_url is None
