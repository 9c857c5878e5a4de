"""Writing that was begun, or asked for, before a task or an event loop ended."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from asgiref.sync import async_to_sync

from aiops.execution.together import Together
from aiops.execution.unbroken import unbroken


@pytest.fixture
def busy():
    """Has the one thread of the event loop at work for a moment, so that what comes next has to wait for it."""

    def work():
        time.sleep(0.05)

    return unbroken(work)


def noting():
    """A list, and what writes into it whatever it is given."""
    done = []

    def write(turns):
        for turn in turns:
            done.append(turn.wanted)
            turn.give(None)

    return done, Together(write)


def test_what_waits_for_its_thread_when_the_event_loop_ends_is_done(run, busy):
    done = []
    write = unbroken(lambda: done.append(1))

    async def ask():
        asyncio.ensure_future(busy())  # noqa: RUF006
        asyncio.ensure_future(write())  # noqa: RUF006
        await asyncio.sleep(0.01)

    run(ask())
    assert done == [1]


def test_what_comes_together_is_done_too_where_the_event_loop_ends_before_its_thread_is_free(run, busy):
    done, together = noting()

    async def ask():
        asyncio.ensure_future(busy())  # noqa: RUF006
        for number in range(40):
            asyncio.ensure_future(together(number))  # noqa: RUF006
        await asyncio.sleep(0.01)

    run(ask())
    assert done == list(range(40))


def test_a_task_that_is_cancelled_in_the_middle_ends_after_it_and_it_is_done_once(run):
    done = []
    begun = threading.Event()

    def slow():
        begun.set()
        time.sleep(0.05)
        done.append(1)

    async def ask():
        task = asyncio.ensure_future(unbroken(slow)())
        await asyncio.to_thread(begun.wait, 5)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.005)
        with pytest.raises(asyncio.CancelledError):
            await task
        return list(done)

    assert run(ask()) == [1]
    assert done == [1]


def test_what_it_raises_is_raised_and_where_it_was_cancelled_the_cancelling_comes_first(run):
    def refuse():
        time.sleep(0.02)
        raise LookupError("Nothing there.")

    async def ask():
        with pytest.raises(LookupError, match="Nothing there"):
            await unbroken(refuse)()
        task = asyncio.ensure_future(unbroken(refuse)())
        await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(ask())


def test_whoever_cancels_twice_waits_all_the_same(run, busy):
    done, together = noting()

    async def ask():
        asyncio.ensure_future(busy())  # noqa: RUF006
        task = asyncio.ensure_future(together(1))
        for _ in range(3):
            await asyncio.sleep(0.005)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return list(done)

    assert run(ask()) == [1]


def test_what_awaits_something_itself_may_be_cancelled_in_there(run):
    write = unbroken(lambda: async_to_sync(asyncio.sleep)(30))

    async def ask():
        task = asyncio.ensure_future(write())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)

    run(ask())
