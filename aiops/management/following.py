"""Watching a job until it comes to rest: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import os
import time
from datetime import datetime
from typing import Any, Protocol

from django.core.management.base import OutputWrapper
from django.utils import timezone
from django.utils.translation import gettext as _
from tqdm import tqdm

from aiops.jobs.models import Item, Job
from aiops.jobs.progress import Progress, progress_of
from aiops.ledger.money import dollars
from aiops.management.job_lines import getting_on
from aiops.management.terminal import refused
from aiops.templatetags.aiops_format import count

POLL = 0.5
"""Seconds between two looks at the job."""

LINE_EVERY = 5.0
"""Seconds between two lines where there is no terminal."""

PATIENCE = 15.0
"""Seconds in which no worker took a row, after which it is said how to start one."""


class Display(Protocol):
    """Where progress is shown."""

    def show(self, progress: Progress) -> None: ...

    def say(self, sentence: str) -> None: ...

    def close(self) -> None: ...


class Bar:
    """One line that is drawn over and over."""

    def __init__(self, stream: OutputWrapper, first: Progress) -> None:
        # What is below Django's wrapper, which would end every stroke of the bar with a new line.
        below: Any = stream._out
        columns, lines = _size(below)
        self._bar: tqdm[Any] = tqdm(
            total=first.total,
            initial=first.done,
            unit=" " + _("rows"),
            file=below,
            ncols=columns,
            nrows=lines,
            mininterval=0,
        )

    def show(self, progress: Progress) -> None:
        """Draw it as it is now."""
        failed = progress.counts[Item.Status.FAILED]
        is_read = progress.job.is_being_read
        # While rows are read, these are what moves; how many it will be is known about.
        self._bar.total = max(progress.job.source_rows or 0, progress.total) if is_read else progress.total
        self._bar.set_description_str(_("reading rows") if is_read else "", refresh=False)
        shown = progress.total if is_read else progress.done
        self._bar.set_postfix_str(
            _("%(n)s failed, %(cost)s") % {"n": count(failed), "cost": dollars(progress.cost)}, refresh=False
        )
        self._bar.update(shown - self._bar.n)
        self._bar.refresh()

    def say(self, sentence: str) -> None:
        """A line above it."""
        self._bar.write(sentence, file=self._bar.fp)

    def close(self) -> None:
        """Leave it as it is."""
        self._bar.close()


def _size(terminal: Any) -> tuple[int, int]:
    """How large a terminal is. Some, of containers, say that they are nothing, and the bar would not be drawn."""
    size = os.get_terminal_size(terminal.fileno())
    return size.columns or 80, size.lines or 24


class Lines:
    """A line now and then, for logs and pipes."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self._said = ""
        self._at = float("-inf")

    def show(self, progress: Progress) -> None:
        """Say it if it is time to, and news, or the end."""
        line = getting_on(progress)
        if line == self._said or (progress.is_live and time.monotonic() - self._at < LINE_EVERY):
            return
        self.say(line)
        self._said, self._at = line, time.monotonic()

    def say(self, sentence: str) -> None:
        """A line of its own."""
        self._stream.write(sentence, style_func=str)
        self._stream.flush()

    def close(self) -> None:
        """Nothing is open."""


def follow(job: Job, stream: OutputWrapper, *, patience: float = PATIENCE) -> Progress:
    """Show how a job gets on until nothing in it moves any more by itself.

    Args:
        stream: where it is shown, terminal or not.
        patience: seconds without a worker before it is said that there is none.

    Returns:
        How it stood at the end.

    Raises:
        CommandError: the job is deleted meanwhile.
        KeyboardInterrupt: Ctrl-C; the job goes on.
    """
    progress = look(job.pk, timezone.now())
    display: Display = Bar(stream, progress) if stream.isatty() else Lines(stream)
    moved, idle_since, told = (progress.total, progress.done), time.monotonic(), False
    try:
        while True:
            display.show(progress)
            if at_rest(progress, timezone.now()):
                return progress
            if (progress.total, progress.done) != moved or progress.counts[Item.Status.CLAIMED]:
                moved, idle_since = (progress.total, progress.done), time.monotonic()
            elif not told and time.monotonic() - idle_since >= patience:
                told = True
                display.say(_("No worker takes the rows: start one with: manage.py work"))
            time.sleep(min(POLL, patience))
            progress = look(job.pk, timezone.now())
    finally:
        display.close()


def look(job_id: int, now: datetime) -> Progress:
    """How a job stands, read afresh.

    Raises:
        CommandError: it is gone.
    """
    job = Job.objects.select_related("version__prompt", "user").filter(pk=job_id).first()
    if job is None:
        raise refused(_("Job %(id)s was deleted meanwhile.") % {"id": job_id})
    return progress_of(job, now)


def at_rest(progress: Progress, now: datetime) -> bool:
    """Whether it is over, and what was in flight when it was stopped or paused has landed."""
    if progress.is_live:
        return False
    in_flight = progress.job.items.filter(status=Item.Status.CLAIMED, lease_until__gte=now)
    return not in_flight.exists()
