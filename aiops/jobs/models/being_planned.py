"""A job whose rows are still being read: how far that is, and who may go on with it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from aiops.jobs.errors import JobRefused

if TYPE_CHECKING:
    from aiops.jobs.models.job import Job


class BeingPlanned(models.Model):
    """The part of a job that is about its planning."""

    planned_at = models.DateTimeField(
        _("planned"), null=True, editable=False, help_text=_("When all of its items were there. Empty: they are not.")
    )
    source_rows = models.PositiveIntegerField(
        _("rows of the source"), null=True, editable=False, help_text=_("When the job was asked for.")
    )
    read_to = models.PositiveIntegerField(
        _("read so far"), default=0, editable=False, help_text=_("Rows of the source that planning has behind it.")
    )
    reading: models.JSONField[dict[str, object] | None, dict[str, object] | None] = models.JSONField(
        _("how it is read on"),
        null=True,
        editable=False,
        help_text=_("By another process than the one that was asked for the job. Empty: it cannot be."),
    )

    class Meta:
        abstract = True

    @property
    def is_being_read(self) -> bool:
        """Whether its rows are being read, or are about to be."""
        job = cast("Job", self)
        return job.status == job.Status.PLANNING

    @property
    def reading_sentence(self) -> str:
        """How far its rows are read, where not all of them are; else empty. Never a total that nobody knows."""
        job = cast("Job", self)
        if job.planned_at is not None:
            return ""
        words = {"n": f"{job.item_count:,}", "rows": f"{job.source_rows or 0:,}"}
        if job.status == job.Status.STOPPED:
            return gettext("It was stopped while its rows were being read: %(n)s so far.") % words
        if job.status == job.Status.PAUSED:
            return gettext("It was paused while its rows were being read: %(n)s so far.") % words
        if (job.source_rows or 0) <= job.item_count:
            return gettext("Its rows are being read: %(n)s so far.") % words
        return gettext("Its rows are being read: %(n)s so far, of about %(rows)s.") % words

    def require_planned(self) -> None:
        """See that it is a whole job.

        Raises:
            JobRefused: not all of its items are there.
        """
        job = cast("Job", self)
        if job.planned_at is None:
            raise JobRefused(
                gettext("Not all rows of job %(id)s have been read: let it read on first.") % {"id": job.pk}
            )

    def begin(self, *, now: datetime) -> None:
        """All items are there: workers may start. Belongs in the transaction that has seen that there are no more."""
        job = cast("Job", self)
        trying = 0 < job.try_first < job.item_count
        job._move(job.Status.RUNNING, since=[job.Status.PLANNING], trying=trying, planned_at=now, started_at=now)
