"""Which worker is at a job, and whether one is on the way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aiops.options import options

if TYPE_CHECKING:
    from aiops.jobs.models.job import Job


class AtWork(models.Model):
    """The part of a job that workers ask."""

    worker: models.UUIDField[UUID | None, UUID | None] = models.UUIDField(_("worker"), null=True, editable=False)
    worker_until = models.DateTimeField(_("worker's lease"), null=True, editable=False)
    slots = models.PositiveIntegerField(
        _("calls at a time, where the provider bears no more"), null=True, editable=False
    )
    rung_at = models.DateTimeField(_("rung for"), null=True, editable=False, help_text=_("Until a worker comes."))

    class Meta:
        abstract = True

    def is_rung_for(self, now: datetime) -> bool:
        """Whether a worker may still hear the bell."""
        rung_at = cast("Job", self).rung_at
        return rung_at is not None and rung_at >= now - timedelta(seconds=options().unheard_seconds)

    def needs_ring(self, now: datetime) -> bool:
        """Whether there is work, and no worker on the way to it."""
        job = cast("Job", self)
        if self.is_rung_for(now):
            return False
        return job.is_being_read or job.items.claimable(now).exists() or job.items.followers().exists()

    def has_due_batches(self, now: datetime) -> bool:
        """Whether a batch is to be looked at, and no worker on the way to it."""
        # They know jobs, and jobs only know that there are some.
        from aiops.jobs.models.batch import Batch

        job = cast("Job", self)
        if job.transport != job.Transport.BATCH or self.is_rung_for(now):
            return False
        return Batch.objects.open().filter(job=job.pk, look_at__lte=now).exists()

    def take(
        self, worker: UUID, *, until: datetime, now: datetime, at_rest: bool = False, planning: bool = False
    ) -> bool:
        """Make a worker the one that works at this job, or let it go on. Returns whether it may.

        One at a time: else a message too many would double the requests in flight.

        Args:
            at_rest: although the job does not run: its batches are still to be seen to.
            planning: to read its rows on, rather than to ask them.
        """
        job = cast("Job", self)
        free = Q(worker=None) | Q(worker=worker) | Q(worker_until__lt=now)
        jobs = type(job).objects.all() if at_rest else type(job).objects.running()
        if planning:
            jobs = type(job).objects.planning()
        taken = jobs.filter(free, pk=job.pk)
        return bool(taken.update(worker=worker, worker_until=until, rung_at=None))

    def leave(self, worker: UUID) -> None:
        """This worker is done with the job, for now. `worker_until` keeps saying until when there was one."""
        job = cast("Job", self)
        type(job).objects.filter(pk=job.pk, worker=worker).update(worker=None, slots=None)
