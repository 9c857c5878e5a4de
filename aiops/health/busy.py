"""Notes that workers leave while they are at a task that says nothing: a long task is no reason to kill anybody.

Files, not rows: they are written in the middle of every task, and a database in trouble must not hold those up.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiops.jobs.heartbeat import tell_of_silences

logger = logging.getLogger(__name__)

BUFFER = 5.0
"""Seconds after a task's time is over within which the queue ends its worker."""


class Notes:
    """A folder on the host of a cluster, with a file for each worker that is at work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, seconds: float) -> None:
        """This process is at something that may last so long."""
        (self._folder / str(os.getpid())).write_text(str(time.monotonic() + seconds))

    def end(self) -> None:
        """It is done with it."""
        (self._folder / str(os.getpid())).unlink(missing_ok=True)

    def anybody(self, now: float) -> bool:
        """Whether a process that is alive is within its time.

        Args:
            now: seconds of the steady clock, which all processes of a host share.
        """
        return any(_is_alive(int(note.name)) and _until(note) > now for note in self._folder.iterdir())

    def clear(self) -> None:
        """Nobody is at work any more."""
        for note in self._folder.iterdir():
            note.unlink(missing_ok=True)


def leave_notes(folder: Path, *, timeout: float) -> None:
    """Have the workers that are forked from this process leave notes: in tasks other than slices of jobs, which beat,
    and wherever these wait for somebody for long.

    Args:
        timeout: seconds after which the queue ends a task.
    """
    from django_q.signals import post_execute_in_worker, pre_execute

    notes = Notes(folder)

    def before(task: dict[str, Any], **_: Any) -> None:
        if task.get("func") != "aiops.jobs.tasks.work":
            _harmlessly(lambda: notes.begin(timeout + BUFFER))

    def after(**_: Any) -> None:
        _harmlessly(notes.end)

    @contextmanager
    def silent(seconds: float) -> Iterator[None]:
        _harmlessly(lambda: notes.begin(seconds + BUFFER))
        try:
            yield
        finally:
            _harmlessly(notes.end)

    tell_of_silences(silent)
    pre_execute.connect(before, weak=False, dispatch_uid="aiops.health.busy")
    post_execute_in_worker.connect(after, weak=False, dispatch_uid="aiops.health.busy")


def _harmlessly(note: Callable[[], None]) -> None:
    try:
        note()
    except OSError:
        # The task is what matters.
        logger.exception("a note about a task")


def _until(note: Path) -> float:
    try:
        return float(note.read_text() or "inf")
    except (OSError, ValueError):
        return 0.0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
