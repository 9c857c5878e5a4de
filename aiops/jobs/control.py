"""Letting a job go on: the change and the bell are one transaction, whichever door it was asked at."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.failpoints import failpoint
from aiops.jobs.doorbell import ring
from aiops.jobs.models import Job, Priority


@dataclass(frozen=True, slots=True)
class Retried:
    """What came of asking for another try."""

    count: int
    """Items that failed and are pending again."""

    waiting: bool
    """They are tried once the job is resumed: whoever stopped it meant the other rows as well."""

    def sentence(self) -> str:
        """For people, at every door."""
        if not self.count:
            return _("No row has failed: there is nothing to try again.")
        if self.waiting:
            text = ngettext(
                "%(n)s failed row is tried again once the job is resumed.",
                "%(n)s failed rows are tried again once the job is resumed.",
                self.count,
            )
        else:
            text = ngettext("%(n)s failed row is tried again.", "%(n)s failed rows are tried again.", self.count)
        return text % {"n": f"{self.count:,}"}


def stop(job: Job, *, give_up: bool = False) -> str:
    """Read and begin no further row; batches that are under way are cancelled. Returns one sentence about it.

    Args:
        give_up: stop now: calls that are under way do not end either. Their worker, wherever it is, closes their
            connections within a second; those that were sent are `unknown` and charged at their holds, and their rows
            are asked again once the job is resumed. Where it is dead, its lease has to end first, as ever.

    Raises:
        WrongState: it is over already.
    """
    now = timezone.now()
    with transaction.atomic():
        job.stop(now=now, give_up=give_up)
        failpoint("stop.made")
        batched = job.batches.open().update(look_at=now)
        if batched:
            ring(job.pk)
    if job.planned_at is None:
        return _("The job is stopped while its rows were being read: nothing was asked, and “Resume” reads on.")
    if batched:
        return _(
            "The job is stopped: its batches are cancelled, and what they have answered by then is kept and paid for."
        )
    if give_up:
        return _("The job is stopped now: calls that were under way are given up, and asked again once it is resumed.")
    return _("The job is stopped: calls that are under way end, no other begins.")


def set_priority(job: Job, priority: Priority) -> str:
    """Say how urgent a job is from now on. Returns one sentence about it.

    Workers that are at less urgent jobs make room for it within seconds, where no other is free.

    Raises:
        WrongState: it is finished.
    """
    job.set_priority(priority)
    return _("The priority of the job is %(priority)s.") % {"priority": priority.label}


def resume(job: Job) -> None:
    """Let a paused or stopped job go on.

    Raises:
        WrongState: it is neither.
    """
    with transaction.atomic():
        failpoint("resume.begun")
        job.resume()
        ring(job.pk)


def retry_failed(job: Job, kind: str = "") -> Retried:
    """Have failed items tried again.

    Args:
        kind: only those that failed with this kind of error; empty for all.

    Raises:
        WrongState: the job is still being planned.
    """
    with transaction.atomic():
        count = job.retry_failed(kind)
        failpoint("retry.made")
        waiting = job.status in (Job.Status.PAUSED, Job.Status.STOPPED)
        if count and not waiting:
            ring(job.pk)
    return Retried(count, waiting=waiting)


__all__ = ["Retried", "resume", "retry_failed", "set_priority", "stop"]
