"""Who is at a job just now; where nobody is, what it waits for; and the slices of late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.jobs.models import Heartbeat, Item, Job, JobSlice
from aiops.jobs.models.slice import KEPT
from aiops.templatetags.aiops_format import seconds

SILENT = timedelta(minutes=3)
"""Without a word for so long, a cluster is taken for dead: one that is well has swept twice meanwhile."""

MOST_WAITING = 1000
"""Jobs before this one that are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """A job's workers at one moment."""

    job: Job
    now: datetime

    slices: tuple[JobSlice, ...]
    """Newest first."""

    in_flight: int
    """Rows that the worker at it has begun to ask about and not ended."""

    is_anybody_alive: bool
    """Whether a cluster of workers was heard of lately. Not looked for while a worker is at it."""

    before: int
    """Other jobs that a worker comes to before this one, `MOST_WAITING` at most."""

    @property
    def at_it(self) -> JobSlice | None:
        """The slice of the worker that is at it now."""
        return next((one for one in self.slices if self.is_at_it(one)), None)

    @property
    def is_batched(self) -> bool:
        """Whether its rows are with the provider, so that nobody waits for answers."""
        return self.job.is_batched(self.now)

    def is_at_it(self, one: JobSlice) -> bool:
        """Whether a slice is that of the worker who has the job."""
        until = self.job.worker_until
        return one.ended_at is None and one.token == self.job.worker and until is not None and until >= self.now

    @property
    def past(self) -> list[tuple[JobSlice, str]]:
        """The slices that are over, newest first, each with how it ended."""
        died = str(JobSlice.End.DIED.label)
        over = [one for one in self.slices if not self.is_at_it(one)]
        return [(one, one.get_end_display() if one.ended_at else died) for one in over]

    @property
    def is_bad(self) -> bool:
        """Whether nothing will come of waiting."""
        return self.job.status in Job.AT_WORK and self.at_it is None and not self.is_anybody_alive

    def waits_for(self) -> str:
        """Why no worker is at it, for people; empty while one is, and where none is needed."""
        job = self.job
        if self.at_it is not None or job.status not in Job.AT_WORK:
            return ""
        if not self.is_anybody_alive:
            return _("No worker has been heard of lately, so nobody will come. Start them: manage.py work")
        if job.worker is not None and job.worker_until is not None and job.worker_until >= self.now:
            return _("A worker has just taken it.")
        if job.rung_at is None:
            if self.is_batched:
                return _("Its batches are with the provider; a worker looks at them each minute.")
            if job.worker is not None:
                return _("Its worker has died. The next one is rung for within a minute.")
            return _("Nothing can be begun just now; it is looked at again within a minute.")
        words = {"time": seconds((max(self.now, job.rung_at) - job.rung_at).total_seconds())}
        rung = _("A worker was rung for %(time)s ago and has not come yet.") % words
        if not self.before:
            return rung
        n = f"{self.before:,}" if self.before < MOST_WAITING else f"{MOST_WAITING:,}+"
        others = ngettext("%(n)s job before it waits.", "%(n)s jobs before it wait.", self.before) % {"n": n}
        return f"{rung} {others}"

    def as_json(self) -> dict[str, Any]:
        """For commands and scripts."""
        at_it, job = self.at_it, self.job
        return {
            "worker": at_it
            and {
                "cluster": at_it.cluster,
                "host": at_it.host,
                "since": at_it.began_at.isoformat(),
                "until": at_it.until.isoformat(),
                "in_flight": None if self.is_batched else self.in_flight,
            },
            "answered_at": job.answered_at.isoformat() if job.answered_at else None,
            "rung_at": job.rung_at.isoformat() if job.rung_at else None,
            "waits_for": self.waits_for(),
            "waiting_before": self.before,
            "slices": [
                {**one.as_json(), "end": str(JobSlice.End.DIED if one.ended_at is None else one.end)}
                for one, _how in self.past
            ],
        }


def attendance_of(job: Job, now: datetime) -> Attendance:
    """Who is at a job: one short question, or two or three, whatever it has grown to."""
    slices = tuple(job.slices.all()[:KEPT])
    goes_on = job.status in Job.AT_WORK
    is_taken = job.worker is not None and job.worker_until is not None and job.worker_until >= now
    in_flight, alive, before = 0, True, 0
    if is_taken:
        in_flight = job.items.filter(status=Item.Status.CLAIMED, owner=job.worker).count()
    elif goes_on:
        alive = Heartbeat.objects.wanted().filter(beat_at__gte=now - SILENT).exists()
        if job.rung_at is not None:
            first = Q(priority__lt=job.priority) | Q(priority=job.priority, rung_at__lt=job.rung_at)
            before = Job.objects.waiting(now).filter(first).order_by()[:MOST_WAITING].count()
    return Attendance(job=job, now=now, slices=slices, in_flight=in_flight, is_anybody_alive=alive, before=before)
