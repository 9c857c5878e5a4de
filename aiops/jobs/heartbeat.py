"""Saying that one is alive: from a task, so that it is the whole way from the queue to a worker that is alive."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from django.utils import timezone

from aiops.durable import one_writer
from aiops.jobs.models import Heartbeat

CLUSTER_VARIABLE = "AIOPS_CLUSTER"
"""In the environment of a watched cluster: its name."""

EVERY = 3.0
"""Seconds between two beats of one worker in the middle of a slice."""

_last = [float("-inf")]

_notes: list[Callable[[float], AbstractContextManager[None]]] = []
"""What those who watch this process want to know of long silences."""


def cluster_name() -> str:
    """Which cluster this process is a worker of."""
    # The parent of a worker is the one process that starts all of them.
    return os.environ.get(CLUSTER_VARIABLE) or name_of(os.getppid())


def name_of(pid: int) -> str:
    """What a cluster on this host is called that belongs to this process."""
    return f"{socket.gethostname()[:60]}:{pid}"


def beat() -> None:
    """Say that the cluster of this process is alive."""
    _last[0] = time.monotonic()
    with one_writer():
        Heartbeat.objects.beat(
            cluster_name(),
            host=socket.gethostname(),
            pid=os.getpid(),
            watched=CLUSTER_VARIABLE in os.environ,
            now=timezone.now(),
        )


def beat_now_and_then() -> None:
    """The same, at most every few seconds: for whoever is asked several times a second."""
    if time.monotonic() - _last[0] >= EVERY:
        beat()


def tell_of_silences(note: Callable[[float], AbstractContextManager[None]]) -> None:
    """Have somebody know beforehand for how many seconds nothing may be heard of this process, until that is over."""
    _notes[:] = [note]


@contextmanager
def silent(seconds: float) -> Iterator[None]:
    """This process waits for somebody for so long, and cannot say meanwhile that it is alive."""
    with ExitStack() as stack:
        for note in _notes:
            stack.enter_context(note(seconds))
        yield
