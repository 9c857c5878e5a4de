"""Faults that are put into the processes on purpose: chaos that does not find them finds nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def plant(name: str) -> None:
    """Put it in; nothing where there is no name."""
    if name:
        PLANTS[name]()


def nobody_closes_the_lost() -> None:
    """What a dead worker had in flight stays open for ever, with its money."""
    from aiops.jobs import tasks, worker

    def nothing(*_: Any, **__: Any) -> None:
        return None

    tasks.settle_all_lost = worker.settle_lost = nothing


def the_log_is_written_afterwards() -> None:
    """A window leaves before it is committed: whoever dies in between has asked what nobody knows of."""
    from aiops.jobs import worker
    from aiops.jobs.flight import Flight

    open_window, start = worker.open_window, Flight.start
    early: set[Any] = set()

    class Early(Flight):
        def start(self, batch: Any) -> None:
            super().start([one for one in batch if one.call_id not in early])

    def send_first(window: Any, *, now: Any) -> Any:
        opened = open_window(window, now=now)
        for flight in flights:
            start(flight, window[: opened.count])
        early.update(one.call_id for one in window[: opened.count])
        # They are on their way before anybody dies.
        time.sleep(0.3)
        return opened

    flights: list[Any] = []
    made = Early.__init__

    def remember(self: Any, *arguments: Any, **named: Any) -> None:
        made(self, *arguments, **named)
        flights[:] = [self]

    Early.__init__ = remember
    worker.Flight = Early
    worker.open_window = send_first


PLANTS: dict[str, Callable[[], None]] = {
    "lost": nobody_closes_the_lost,
    "late log": the_log_is_written_afterwards,
}
