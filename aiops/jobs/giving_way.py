"""More jobs than workers: who goes first, and when a worker leaves a job for one that is more urgent."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q, Subquery
from django.utils import timezone

from aiops.execution.trouble import TROUBLE
from aiops.failpoints import failpoint
from aiops.jobs.doorbell import ring
from aiops.jobs.models import Job

EVERY = 1.0
"""Seconds between two looks of one worker; a look is one question."""

UNHEARD = timedelta(seconds=2)
"""A worker that is free hears a bell within half a second: for a job that nobody has come to for so long, none is."""


def work_instead_of(job: Job, now: datetime) -> Job | None:
    """The most urgent job that waits for a worker, where it is more so than this one, which is rung for again then.

    The ring of the other counts as heard: whoever is given it is the only one. Where it cannot be worked at, it does
    not keep this one from its turn: the sweeper rings for it once more, and nobody before.
    """
    waiting = Job.objects.waiting(now).filter(priority__lt=job.priority).order_by("priority", "rung_at")
    for other, rung_at in waiting.values_list("pk", "rung_at")[:1]:
        failpoint("urgent.found")
        with transaction.atomic():
            if not Job.objects.waiting(now).filter(pk=other, rung_at=rung_at).update(rung_at=None):
                return None
            failpoint("urgent.heard")
            ring(job.pk)
        failpoint("urgent.rung")
        return Job.objects.to_work_at().filter(pk=other).first()
    return None


class GivingWay:
    """Whether one worker is to end its slice early, since a more urgent job waits and no worker is free for it."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._look_at = time.monotonic() + EVERY
        self._gives_way = False

    def __call__(self) -> bool:
        """Looks at most every second; asks nothing in between. What was once decided stays so."""
        if not self._gives_way and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + EVERY
            try:
                self._gives_way = is_to_give_way(self._job, timezone.now())
            except TROUBLE:
                # The window itself says so, and waits until it is over.
                return False
        return self._gives_way


def is_to_give_way(job: Job, now: datetime) -> bool:
    """Whether more of the more urgent jobs wait than there are workers that should leave theirs before this one.

    Those are at less urgent jobs, or as urgent and newer ones: so one job that waits ends one slice, and not all. One
    that reads the rows of a job, or is at its batches, ends its slice in its own time.
    """
    mine = Subquery(Job.objects.filter(pk=job.pk).values("priority")[:1])
    waits = Q(worker=None) | Q(worker_until__lt=now)
    before_me = Q(priority__gt=mine) | Q(priority=mine, pk__gt=job.pk)
    makes_room = Q(status=Job.Status.RUNNING) & (Q(transport=Job.Transport.LIVE) | Q(live_from__lte=now))
    found = Job.objects.filter(status__in=Job.AT_WORK).aggregate(
        waiting=Count("pk", filter=waits & Q(priority__lt=mine, rung_at__lt=now - UNHEARD)),
        before_me=Count("pk", filter=~waits & before_me & makes_room),
    )
    return bool(found["waiting"] > found["before_me"])
