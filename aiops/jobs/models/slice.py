"""The slices of work at a job: who was at it, from when to when, and what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from django.db import models
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from aiops.jobs.models.job import Job

KEPT = 10
"""Slices of one job that are remembered."""


class JobSliceQuerySet(models.QuerySet["JobSlice"]):
    def under_way(self) -> Self:
        """That nobody has ended: their workers are at it, or dead."""
        return self.filter(ended_at=None)

    def begin(self, job: Job, token: UUID, *, cluster: str, host: str, until: datetime, now: datetime) -> None:
        """A worker has taken the job. Belongs in the transaction by which it did.

        Whoever was at it before and never left has died: else this one would not have got it.
        """
        self._end(self.filter(job=job).exclude(token=token), JobSlice.End.DIED, now)
        before = Job.objects.filter(pk=job.pk).values("ended_ever")[:1]
        row = JobSlice(job=job, token=token, cluster=cluster, host=host, began_at=now, until=until)
        row.before = models.Subquery(before)
        # Whoever was cut off from the database does not know whether it was said already.
        self.bulk_create([row], ignore_conflicts=True)
        old = self.filter(job=job).order_by("-pk").values_list("pk", flat=True)[KEPT : 2 * KEPT]
        if keys := list(old):
            self.filter(pk__in=keys).delete()

    def end(self, token: UUID, how: str, now: datetime) -> None:
        """Its worker has left the job. Belongs in the transaction by which it did."""
        self._end(self.filter(token=token), how, now)

    def say_how(self, token: UUID, how: str) -> None:
        """How a slice that has ended left the job, once that is known; one whose worker was thought dead stays dead."""
        self.filter(token=token, end=JobSlice.End.WENT_ON).update(end=how)

    def _end(self, slices: Any, how: str, now: datetime) -> None:
        ever = Job.objects.filter(pk=models.OuterRef("job")).values("ended_ever")[:1]
        ended = Greatest(models.Subquery(ever) - F("before"), 0)
        slices.under_way().update(ended_at=now, end=how, ended_items=ended)


class JobSlice(models.Model):
    """One slice. Only the newest of a job are kept."""

    class End(models.TextChoices):
        NOT_YET = "", _("under way")
        WENT_ON = "went_on", _("the next slice goes on")
        DONE = "done", _("all rows are done")
        PAUSED = "paused", _("the job was paused")
        STOPPED = "stopped", _("the job was stopped")
        WAITS = "waits", _("nothing to be begun just then")
        BROKEN = "broken", _("it was broken off: see the workers' log")
        DIED = "died", _("its worker died")

    job = models.ForeignKey(Job, models.CASCADE, related_name="slices", verbose_name=_("job"))
    token: models.UUIDField[UUID, UUID] = models.UUIDField(_("worker"), unique=True)
    cluster = models.CharField(_("cluster"), max_length=90)
    host = models.CharField(_("host"), max_length=255)
    began_at = models.DateTimeField(_("began"))
    until = models.DateTimeField(_("lasts until"), help_text=_("Then it begins nothing more."))
    ended_at = models.DateTimeField(_("ended"), null=True)
    before = models.BigIntegerField(_("rows that had ended before"), default=0)
    ended_items = models.BigIntegerField(
        _("rows that ended"),
        null=True,
        help_text=_("While it lasted; of one whose worker died, until that was noticed."),
    )
    end = models.CharField(_("how it ended"), max_length=8, choices=End, blank=True, default=End.NOT_YET)

    objects = JobSliceQuerySet.as_manager()

    class Meta:
        verbose_name = _("slice of a job")
        verbose_name_plural = _("slices of jobs")
        ordering = ("-id",)
        # They are shown with their job, to whoever may see that.
        default_permissions = ()

    def __str__(self) -> str:
        return f"slice {self.pk} of job {self.job_id}"

    @property
    def lasted(self) -> timedelta | None:
        """None while it is under way, and where its worker died: nobody saw when."""
        return None if self.ended_at is None or self.end == self.End.DIED else self.ended_at - self.began_at

    def as_json(self) -> dict[str, Any]:
        """For commands and scripts."""
        return {
            "cluster": self.cluster,
            "host": self.host,
            "began_at": self.began_at.isoformat(),
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
            "ended_items": self.ended_items,
            "end": str(self.end),
        }
