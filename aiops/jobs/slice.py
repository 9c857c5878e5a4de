"""A slice of work at one job: what one message from the queue is good for."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import tenacity
from django.utils import timezone

from aiops.execution.errors import REFUSALS
from aiops.execution.prepare import Plan, make_plan
from aiops.execution.trouble import TROUBLE, patient
from aiops.failpoints import failpoint
from aiops.gateway.reach import ProviderDown, require_reachable
from aiops.jobs.claim import pick
from aiops.jobs.duplicates import follow_rest
from aiops.jobs.giving_way import GivingWay
from aiops.jobs.models import Job, JobSlice
from aiops.jobs.staying import arrive, depart, say_how_it_ended
from aiops.jobs.tried import rest_of
from aiops.jobs.worker import Worker, at_work, pause


@dataclass(frozen=True, slots=True)
class SliceReport:
    """What a worker leaves behind at the end of its slice."""

    ended: int
    """Items that came to their end in it."""

    more: bool
    """Whether there are items that could be claimed right now."""


def work_slice(job: Job, *, seconds: float) -> SliceReport:
    """Work at a job for about so long, or until a more urgent one needs the worker; then let end what is in flight."""
    until = time.monotonic() + seconds
    try:
        plan = make_plan(job.version, connection=job.connection, model=job.model, now=timezone.now())
        _find_provider(plan, patience=seconds / 2)
    except REFUSALS as error:
        # What fitted when the job was started may not any more: a key was taken away, an alias renamed.
        pause(job, error)
        return SliceReport(0, more=False)
    failpoint("slice.found")
    token = uuid4()
    stays_until = _take(job, token, seconds=seconds)
    if stays_until is None:
        return SliceReport(0, more=False)
    failpoint("slice.taken")
    gives_way = GivingWay(job)
    worker = Worker(job, plan, token, stays_until=stays_until)
    try:
        while worker.work_window(timezone.now(), claiming=time.monotonic() < until and not gives_way()):
            pass
    except BaseException:
        worker.flight.close()
        with suppress(*TROUBLE):
            depart(job, token, JobSlice.End.BROKEN)
        raise
    failpoint("slice.worked")
    worker.flight.close()
    return SliceReport(worker.ended, more=_leave(job, token))


@patient
def _take(job: Job, token: UUID, *, seconds: float) -> datetime | None:
    """Until when this worker is at the job; None where another one is, or the job does not run."""
    now = timezone.now()
    until = now + at_work()
    return until if arrive(job, token, until=until, seconds=seconds, now=now) else None


@patient
def _leave(job: Job, token: UUID) -> bool:
    """Let the next worker come. Returns whether there is anything to do for it."""
    depart(job, token)
    failpoint("slice.left")
    follow_rest(job)
    if not job.finish(now=timezone.now()) and job.trying and not job.has_more_to_try():
        job.pause_tried(rest_of(job, timezone.now()).sentence())
    more = Job.objects.running().filter(pk=job.pk).exists() and bool(pick(job, limit=1, now=timezone.now()))
    say_how_it_ended(job, token, more=more)
    return more


def _find_provider(plan: Plan, *, patience: float) -> None:
    """See that somebody answers, else each row would fail in turn. A moment's silence is no reason to wake a person.

    Raises:
        ProviderDown: nobody did, for so many seconds.
    """
    door = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(ProviderDown),
        wait=tenacity.wait_random_exponential(multiplier=0.5, max=5),
        stop=tenacity.stop_after_delay(patience),
        reraise=True,
    )
    door(require_reachable, plan.connection)
