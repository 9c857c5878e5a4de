"""One thread a process looks at the shared state for everybody who waits: 500 calls that wait cost one that asks."""

from __future__ import annotations

import atexit
import logging
import os
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from uuid import uuid4

from django.core.signals import setting_changed
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from aiops.gateway.connection import Connection
from aiops.limits.lane import Lane, Waiter
from aiops.limits.limits import Key
from aiops.limits.pace import Ask, Decision, Share, decide
from aiops.limits.state import State
from aiops.limits.store import chosen_store

logger = logging.getLogger(__name__)

IDLE = 5.0
"""Seconds without anything to do after which the thread ends, and its connection to the database with it."""

TROUBLED = 0.3
"""Seconds until one tries again where the database is locked, restarted or moved over."""

TROUBLE = (OperationalError, InterfaceError)

CONTESTED = 50
"""Times that the state may change between a look and a swap; each of them was progress of another process."""


class Keeper:
    """Lanes by connection and model, and the thread that looks after them while there is anything to look after."""

    def __init__(self) -> None:
        self.holder = uuid4().hex
        self._lanes: dict[Key, Lane] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ending = False
        self._at_home = False

    def lane(self, connection: Connection, model: str) -> Lane:
        """The lane of a connection and model."""
        key = (connection.alias, model)
        with self._changed:
            found = self._lanes.get(key)
            if found is None:
                found = self._lanes[key] = Lane(connection, model, time.monotonic())
            found.connection = connection
            return found

    def is_watched(self, key: Key) -> bool:
        """Whether a pause is to be minded, even where there is no limit."""
        lane = self._lanes.get(key)
        return lane is not None and lane.watched_until > time.monotonic()

    def join(self, lane: Lane, waiter: Waiter) -> None:
        """Stand in line; the waiter's future says when it is its turn.

        Raises:
            TooBusy: that will not be before its deadline.
        """
        with self._changed:
            if lane.add(waiter, waiter.since):
                self._wake()

    def abandon(self, lane: Lane, waiter: Waiter) -> None:
        """Stand in line no longer; what was granted at the very moment is given back."""
        if waiter.future.cancel():
            with self._changed:
                lane.remove(waiter)
            return

        def give_back(ended: Future[float]) -> None:
            if ended.exception() is None:
                self.leave(lane, requests_back=1, tokens_back=waiter.ask.tokens)

        waiter.future.add_done_callback(give_back)

    def leave(self, lane: Lane, *, requests_back: int = 0, tokens_back: int = 0) -> None:
        """A call that was granted has ended, or never left."""
        with self._changed:
            lane.ended(time.monotonic(), requests_back=requests_back, tokens_back=tokens_back)
            self._wake_for(lane)

    def correct(self, lane: Lane, tokens_back: int) -> None:
        """So many tokens that were granted are not used; negative where more were."""
        with self._changed:
            lane.correct(tokens_back, time.monotonic())
            self._wake_for(lane)

    def pause(self, lane: Lane, seconds: float) -> None:
        """Let nobody leave for so long, in any process."""
        with self._changed:
            lane.pause(seconds, time.monotonic())
            self._wake()

    def ask_here(self, lane: Lane, waiter: Waiter) -> None:
        """Ask in the calling thread, and wait in it: for SQLite, whose one writer the caller's transaction is."""
        while True:
            with self._changed:
                share = Share(holder=self.holder, in_flight=lane.in_flight)
            decision = self._look(lane, [waiter.ask], share)
            now = time.monotonic()
            if decision.granted:
                with self._changed:
                    lane.in_flight += 1
                waiter.future.set_result(now - waiter.since)
                return
            if now + decision.firm / 1e6 > waiter.deadline or now >= waiter.deadline:
                waiter.future.set_exception(lane.too_busy(now))
                return
            time.sleep(max(0.001, min(decision.wait / 1e6, waiter.deadline - now)))

    def close(self, timeout: float = 5.0) -> None:
        """Tell the others what they are to know, and end the thread. The next call starts another one."""
        with self._changed:
            thread, self._ending = self._thread, True
            self._changed.notify_all()
        if thread is not None:
            thread.join(timeout)

    def _wake_for(self, lane: Lane) -> None:
        if lane.due_at < float("inf"):
            self._wake()

    def _wake(self) -> None:
        if self._thread is None:
            self._ending = False
            self._thread = threading.Thread(target=self._run, name="aiops-limits", daemon=True)
            self._thread.start()
        else:
            self._changed.notify_all()

    def _run(self) -> None:
        self._at_home = False
        while (due := self._next()) is not None:
            try:
                for lane in due:
                    self._serve(lane)
            except TROUBLE as error:
                # Those who wait have deadlines of their own.
                logger.warning("The database is out of order, limits are asked for again: %s", error)
                close_old_connections()
                self._at_home = False
                if self._ending:
                    self.forget_news()
                else:
                    time.sleep(TROUBLED)
        connections.close_all()

    def _next(self) -> list[Lane] | None:
        """Wait until there is something to do. Returns the lanes that it is for; None when the thread is to end."""
        quiet_since = time.monotonic()
        with self._changed:
            while True:
                now = time.monotonic()
                next_due = min((lane.due_at for lane in self._lanes.values()), default=float("inf"))
                if self._ending:
                    told = [lane for lane in self._lanes.values() if lane.has_news]
                    if told:
                        return told
                    self._thread = None
                    return None
                if next_due <= now:
                    return [lane for lane in self._lanes.values() if lane.due_at <= now]
                if next_due == float("inf") and now - quiet_since > IDLE:
                    self._thread = None
                    return None
                self._changed.wait(min(next_due - now, IDLE))

    def forget_news(self) -> None:
        """Tell the others nothing of what has happened since they were told last."""
        with self._changed:
            for lane in self._lanes.values():
                lane.share(self.holder)

    def _serve(self, lane: Lane) -> None:
        with self._changed:
            waiters = lane.heads()
            share = lane.share(self.holder)
        try:
            if not self._at_home:
                chosen_store().at_home()
                self._at_home = True
            decision = self._look(lane, [waiter.ask for waiter in waiters], share)
        except TROUBLE as error:
            lane.trouble = error
            with self._changed:
                lane.untold(share, time.monotonic() + TROUBLED)
            raise
        except Exception as error:
            # Settings or tables that are not as they should be: waiting does not mend them.
            logger.exception("limits of %s", lane.key)
            with self._changed:
                stood = lane.clear()
            for waiter in stood:
                _fail(waiter, error)
            return
        lane.trouble = None
        now = time.monotonic()
        with self._changed:
            granted, refused = lane.decided(waiters, decision, now)
        for waiter in granted:
            if waiter.future.set_running_or_notify_cancel():
                waiter.future.set_result(now - waiter.since)
            else:
                self.leave(lane, requests_back=1, tokens_back=waiter.ask.tokens)
        for waiter, busy in refused:
            _fail(waiter, busy)

    def _look(self, lane: Lane, asks: Sequence[Ask], share: Share) -> Decision:
        """Look at the state, decide, and write what was decided.

        Raises:
            DatabaseError, InterfaceError: the database is out of order.
        """
        store, limits = chosen_store(), lane.limits
        for _ in range(CONTESTED):
            seen = store.read(lane.key)
            state = State.load(seen.text)
            decision = decide(state, limits, asks, share, seen.now)
            if decision.state == state or seen.store.swap(lane.key, seen.text, decision.state.dump()):
                return decision
            time.sleep(random.random() / 1000)  # noqa: S311 - only so that two do not step on each other for ever
        raise OperationalError("The state of the limits changes faster than it can be read.")


def _fail(waiter: Waiter, error: BaseException) -> None:
    if waiter.future.set_running_or_notify_cancel():
        waiter.future.set_exception(error)


_keeper: Keeper | None = None


def keeper() -> Keeper:
    """The keeper of this process."""
    global _keeper
    if _keeper is None:
        _keeper = Keeper()
    return _keeper


def close_keeper() -> None:
    """End the thread of this process, if there is one, and with it its connection to the database."""
    if _keeper is not None:
        _keeper.close()


def _begin_anew(*, setting: str, **_: object) -> None:
    """Other settings, other limits: what was paused or counted for the ones before means nothing.

    So nobody is told of it: this is a test, whose transaction may be the only writer.
    """
    global _keeper
    if setting == "AIOPS" and _keeper is not None:
        _keeper.forget_news()
        _keeper.close()
        _keeper = None


setting_changed.connect(_begin_anew, dispatch_uid="aiops.limits.keeper")


def _forget() -> None:
    # A fork has the lanes of its parent and no thread: what is in flight there is not its own.
    global _keeper
    _keeper = None


atexit.register(close_keeper)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
