"""Requests in flight: an event loop in a thread of its own, so that the worker's thread is free for the database."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiops.execution.ask import Ended, FailedAttempt
from aiops.execution.chain import Chain, acarry_out
from aiops.execution.errors import AttemptRefused
from aiops.execution.prepare import Prepared
from aiops.failpoints import failpoint
from aiops.gateway.clients import close_async_clients
from aiops.gateway.errors import GatewayError
from aiops.gateway.retry import RetryPolicy
from aiops.jobs.slots import Slots
from aiops.ledger.holds import Ending

PATIENCE = 4
"""Part of its deadline for which a call waits for a slot to be sent once more; then it leaves beyond the slots."""

GIVING_UP = 5.0
"""Seconds in which a call that is cancelled has closed its connection; else it is asked to once more."""


@dataclass(frozen=True, slots=True)
class Rehold:
    """A call asks whether it may be sent once more, and for money where it needs some."""

    prepared: Prepared
    spent: Ending | None
    attempt: int
    answer: asyncio.Future[AttemptRefused | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """A call that was under way when it was given up."""

    prepared: Prepared
    has_left: bool
    ended: Ended | None
    """How it ended, where its last attempt had failed and no other was under way; None: nobody knows."""

    failures: tuple[FailedAttempt, ...]
    attempts: int


class Flight:
    """Sends what it is given, so many at a time; what has ended is collected.

    No call begins while as many as there are slots have not ended, and none is sent once more while as many sendings
    are under way: they are fewer by those that wait between two attempts.
    """

    def __init__(self, slots: int, policy: RetryPolicy) -> None:
        self.slots = Slots(slots)
        self.policy = policy
        self.size = 0
        """Calls that were given and not yet collected."""
        self._landed: deque[Ended] = deque()
        self._reholds: deque[Rehold] = deque()
        self._all_landed = threading.Event()
        self._flying = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: deque[Prepared] = deque()
        self._again: deque[tuple[asyncio.Task[Any], asyncio.Future[None]]] = deque()
        self._since: dict[asyncio.Task[Any], float] = {}
        """Task of a sending that is under way → when it began."""
        self._chains: dict[asyncio.Task[None], Chain] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="aiops-flight", daemon=True)
        self._thread.start()

    def start(self, batch: Sequence[Prepared]) -> None:
        """Send these as soon as slots are free."""
        if batch:
            self.size += len(batch)
            self._loop.call_soon_threadsafe(self._take_off, batch)

    def collect(self, timeout: float) -> tuple[list[Ended], list[Rehold]]:
        """What has ended and what wants money, after `timeout` seconds, or at once when nothing flies any more."""
        self._all_landed.wait(timeout)
        ended = [self._landed.popleft() for _ in range(len(self._landed))]
        reholds = [self._reholds.popleft() for _ in range(len(self._reholds))]
        self.size -= len(ended)
        return ended, [one for one in reholds if not one.answer.done()]

    def answer(self, rehold: Rehold, refusal: AttemptRefused | None) -> None:
        """Let a call that asked for money go on, or not."""
        self._loop.call_soon_threadsafe(_give, rehold.answer, refusal)

    def withdraw(self) -> list[Prepared]:
        """Take back what has not left yet, for want of a slot. It never will."""
        if not self.size:
            return []
        withdrawn = asyncio.run_coroutine_threadsafe(self._withdraw(), self._loop).result()
        self.size -= len(withdrawn)
        return withdrawn

    def give_up(self) -> list[GivenUp]:
        """Cancel what is under way: its connections are closed, and its answers never come here.

        Returns:
            The calls; one that does not end within `GIVING_UP` seconds is not among them, and still flies.
        """
        if not self.size:
            return []
        given_up = asyncio.run_coroutine_threadsafe(self._give_up(), self._loop).result()
        self.size -= len(given_up)
        return given_up

    def close(self) -> None:
        """End the loop. Calls that still fly are dropped: their rows say `sending`, and the sweeper finds them."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.run_until_complete(close_async_clients())
        self._loop.close()

    def _take_off(self, batch: Sequence[Prepared]) -> None:
        self._all_landed.clear()
        self._flying += len(batch)
        self._waiting.extend(batch)
        self._fill()

    def _fill(self) -> None:
        """Give the slots that are free to those that wait to be sent once more, and then to others."""
        while self._again and len(self._since) < self.slots.now:
            task, slot = self._again.popleft()
            if not slot.done():
                self._since[task] = time.monotonic()
                slot.set_result(None)
        while self._waiting and len(self._chains) < self.slots.now:
            chain = Chain(self._waiting.popleft(), self.policy, self._failed)
            task = self._loop.create_task(self._fly(chain))
            self._tasks.add(task)
            self._chains[task] = chain
            self._since[task] = time.monotonic()
            task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._since.pop(task, None) is not None:
            self._fill()

    def _failed(self, error: GatewayError) -> None:
        began = self._since.pop(_this_task(), None)
        if began is not None:
            self.slots.failed(error, began=began, at=time.monotonic())
            self._fill()

    async def _withdraw(self) -> list[Prepared]:
        waiting = list(self._waiting)
        self._waiting.clear()
        self._flying -= len(waiting)
        if not self._flying:
            self._all_landed.set()
        return waiting

    async def _give_up(self) -> list[GivenUp]:
        flying = set(self._chains)
        for task in flying:
            task.cancel()
        if flying:
            await asyncio.wait(flying, timeout=GIVING_UP)
        # Whatever has landed meanwhile is collected like any other.
        gone = [_as_given_up(self._chains.pop(task)) for task in flying if task.cancelled()]
        self._flying -= len(gone)
        if not self._flying:
            self._all_landed.set()
        return gone

    async def _fly(self, chain: Chain) -> None:
        failpoint("flight.leaving")
        ended = await acarry_out(chain, rehold=self._rehold)
        failpoint("flight.landed")
        task = _this_task()
        full = len(self._chains) >= self.slots.now
        del self._chains[task]
        began = self._since.pop(task, None)
        if began is not None and ended.completion is not None and not ended.fell_back:
            self.slots.answered(began=began, full=full)
        self._landed.append(ended)
        self._flying -= 1
        if not self._flying:
            self._all_landed.set()
        self._fill()

    async def _rehold(self, prepared: Prepared, spent: Ending | None, attempt: int) -> AttemptRefused | None:
        answer: asyncio.Future[AttemptRefused | None] = self._loop.create_future()
        self._reholds.append(Rehold(prepared, spent, attempt, answer))
        refusal = await answer
        if refusal is None and _this_task() not in self._since:
            await self._slot_again()
        return refusal

    async def _slot_again(self) -> None:
        """Wait for a slot, before anybody who was not sent yet; but not until the call itself is out of time."""
        slot: asyncio.Future[None] = self._loop.create_future()
        self._again.append((_this_task(), slot))
        self._fill()
        try:
            await asyncio.wait_for(slot, self.policy.deadline / PATIENCE)
        except TimeoutError:
            self._since[_this_task()] = time.monotonic()


def _give(answer: asyncio.Future[AttemptRefused | None], refusal: AttemptRefused | None) -> None:
    # Whoever asked may have been given up meanwhile.
    if not answer.done():
        answer.set_result(refusal)


def _as_given_up(chain: Chain) -> GivenUp:
    tally = chain.tally
    return GivenUp(
        prepared=tally.prepared,
        has_left=chain.has_left,
        ended=chain.given_up() if chain.has_left else None,
        failures=tuple(tally.failures),
        attempts=tally.attempts,
    )


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("Only a task comes here.")
    return task
