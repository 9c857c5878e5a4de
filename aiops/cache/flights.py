"""Who asks the same in this process: threads and event loops stand in one line for each question.

The first one leads and asks. The others wait; what it got is theirs as well. Where it got nothing, the next one leads.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from aiops.cache.answers import CachedCompletion

Turn = Future[CachedCompletion | None]
"""What one who waits is told at last: the answer, or None: lead."""


@dataclass(slots=True)
class Line:
    """All who ask one question."""

    owner: UUID = field(default_factory=uuid4)
    """Holds the lease, whoever leads."""

    waiting: deque[Turn] = field(default_factory=deque)


@dataclass(slots=True, kw_only=True)
class Flight:
    """One who asks."""

    key: str

    ends: float
    """`time.monotonic()` at the deadline."""

    line: Line

    turn: Turn | None = None
    """What is waited for; None for who leads from the start."""

    answer: CachedCompletion | None = None
    """Somebody else's, to be used. Who finds none here asks, and puts here what came of it, if it was kept."""

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.ends - time.monotonic())


_lines: dict[str, Line] = {}
_lock = threading.Lock()


def board(key: str, *, deadline: float) -> Flight:
    """Stand in the line. Who boards must `leave`, whatever happens.

    Args:
        deadline: seconds.
    """
    ends = time.monotonic() + deadline
    with _lock:
        line = _lines.get(key)
        if line is None:
            line = _lines[key] = Line()
            return Flight(key=key, ends=ends, line=line)
        turn = Turn()
        line.waiting.append(turn)
        return Flight(key=key, ends=ends, line=line, turn=turn)


def leave(flight: Flight) -> bool:
    """Be done. Who led gives its answer to all who wait or, having none, the lead to the next.

    Returns:
        Whether the line is over: nobody leads any more.
    """
    line, turn = flight.line, flight.turn
    with _lock:
        if turn is not None and not turn.done():
            line.waiting.remove(turn)
            turn.cancel()
            return False
        if turn is not None and turn.result() is not None:
            return False
        while line.waiting:
            line.waiting.popleft().set_result(flight.answer)
            if flight.answer is None:
                return False
        del _lines[flight.key]
        return True


def waiting(key: str) -> int:
    """How many in this process wait for somebody else's answer to this."""
    with _lock:
        line = _lines.get(key)
        return len(line.waiting) if line else 0


def _forget() -> None:
    """A forked child has none of its parent's threads: nobody would ever lead."""
    global _lock
    _lock = threading.Lock()
    _lines.clear()


os.register_at_fork(after_in_child=_forget)
