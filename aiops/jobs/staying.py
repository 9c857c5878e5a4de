"""Taking a job and leaving it: the job's lease and the record of the slice are one transaction."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from aiops.failpoints import failpoint
from aiops.jobs.heartbeat import cluster_name
from aiops.jobs.models import Job, JobSlice

ENDS = {
    Job.Status.FINISHED: JobSlice.End.DONE,
    Job.Status.PAUSED: JobSlice.End.PAUSED,
    Job.Status.STOPPED: JobSlice.End.STOPPED,
}


def arrive(
    job: Job,
    token: UUID,
    *,
    until: datetime,
    seconds: float,
    now: datetime,
    at_rest: bool = False,
    planning: bool = False,
) -> bool:
    """Be the worker at a job. Returns whether this one may: another may be at it, or the job does not run.

    Args:
        until: when others may take it over, unless the lease is made longer.
        seconds: after which nothing more is begun.
        at_rest: although the job does not run: its batches are still to be seen to.
        planning: to read its rows on, rather than to ask them.
    """
    with transaction.atomic():
        if not job.take(token, until=until, now=now, at_rest=at_rest, planning=planning):
            return False
        failpoint("slice.taking")
        lasts = now + timedelta(seconds=seconds)
        JobSlice.objects.begin(job, token, cluster=cluster_name(), host=socket.gethostname(), until=lasts, now=now)
    return True


def depart(job: Job, token: UUID, how: str = JobSlice.End.WENT_ON) -> None:
    """Let the next worker come."""
    with transaction.atomic():
        job.leave(token)
        failpoint("slice.leaving")
        JobSlice.objects.end(token, how, timezone.now())


def say_how_it_ended(job: Job, token: UUID, *, more: bool) -> None:
    """Note how a slice left the job, once that is seen.

    Args:
        more: whether the next one has something to do at once.
    """
    if more:
        return
    status = Job.objects.filter(pk=job.pk).values_list("status", flat=True).first()
    JobSlice.objects.say_how(token, ENDS.get(Job.Status(status), JobSlice.End.WAITS) if status else JobSlice.End.WAITS)
