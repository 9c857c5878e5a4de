"""Many calls of a job that are asked together, and answered within a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self
from uuid import UUID, uuid4

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from aiops.files.models import UploadedFile
from aiops.gateway.batches import ToldBatch
from aiops.jobs.models.job import Job

LOOK_EVERY = timedelta(seconds=55)
"""How often a batch is looked at: with each tick of the sweep."""


GONE = timedelta(hours=1)
"""How long a provider is not believed that it does not have what it had."""


class BatchQuerySet(models.QuerySet["Batch"]):
    def open(self) -> Self:
        """Of which something is still to come."""
        return self.filter(status__in=Batch.OPEN)

    def due(self, now: datetime) -> Self:
        """That somebody should look at."""
        return self.open().filter(look_at__lte=now)


class Batch(models.Model):
    """One file of calls. Each is in the log and has its hold before the file leaves."""

    class Status(models.TextChoices):
        PREPARING = "preparing", _("preparing")
        SUBMITTING = "submitting", _("submitting")
        UNDER_WAY = "under_way", _("under way")
        READING = "reading", _("reading the answers")
        WITHDRAWING = "withdrawing", _("withdrawing")
        COMPLETED = "completed", _("completed")
        EXPIRED = "expired", _("expired")
        CANCELLED = "cancelled", _("cancelled")
        REFUSED = "refused", _("refused")
        LOST = "lost", _("lost")
        WITHDRAWN = "withdrawn", _("withdrawn")

    OPEN: ClassVar[tuple[str, ...]] = (
        Status.PREPARING,
        Status.SUBMITTING,
        Status.UNDER_WAY,
        Status.READING,
        Status.WITHDRAWING,
    )

    job = models.ForeignKey(Job, models.CASCADE, related_name="batches", verbose_name=_("job"))
    token: models.UUIDField[UUID, UUID] = models.UUIDField(
        _("our id"), default=uuid4, unique=True, help_text=_("The provider keeps it with the batch; it owns the items.")
    )
    connection = models.CharField(_("connection"), max_length=64)
    provider_id = models.CharField(_("id at the provider"), max_length=128, blank=True)
    file = models.ForeignKey(
        UploadedFile, models.SET_NULL, null=True, related_name="+", verbose_name=_("file of the lines")
    )
    output_file_id = models.CharField(_("file of the answers"), max_length=128, blank=True)
    error_file_id = models.CharField(_("file of the errors"), max_length=128, blank=True)

    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.PREPARING)
    provider_status = models.CharField(_("status at the provider"), max_length=32, blank=True)
    line_count = models.PositiveIntegerField(_("lines"), default=0)
    told_completed = models.PositiveIntegerField(_("answered, as the provider says"), default=0)
    told_failed = models.PositiveIntegerField(_("ended in an error, as the provider says"), default=0)
    tells_counts = models.BooleanField(_("the provider counts"), default=False, editable=False)
    read_lines = models.PositiveIntegerField(_("lines of results that were read"), default=0)
    output_lines = models.PositiveIntegerField(
        _("lines of the file of the answers"), null=True, editable=False, help_text=_("Once all of them are read.")
    )
    read_answers = models.PositiveIntegerField(_("answers among them"), default=0)
    answered = models.PositiveIntegerField(_("rows that were answered"), default=0)
    failed = models.PositiveIntegerField(_("rows that failed"), default=0)
    given_back = models.PositiveIntegerField(_("rows that were given back"), default=0)
    cost = models.BigIntegerField(_("cost in nano-dollars"), default=0)
    unknown_costs = models.PositiveIntegerField(_("calls of unknown cost"), default=0)
    error = models.TextField(_("error"), blank=True, help_text=_("Why it did not come to a good end, or does not yet."))

    created_at = models.DateTimeField(_("created"))
    submitted_at = models.DateTimeField(_("submitted"), null=True)
    expires_at = models.DateTimeField(_("expires"), null=True)
    cancelled_at = models.DateTimeField(_("asked to be cancelled"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    unsure_since = models.DateTimeField(
        _("unsure since"),
        null=True,
        help_text=_("Since when nobody knows whether the provider has it, or what it wrote."),
    )
    look_at = models.DateTimeField(_("looked at again"))
    looked_at = models.DateTimeField(_("last looked at"), null=True, help_text=_("When its provider last told of it."))
    rest_until = models.DateTimeField(
        _("no further batch before"), null=True, help_text=_("Of the same job: the provider would not take one.")
    )

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        ordering = ("-id",)
        default_permissions = ()
        indexes = (models.Index(fields=("status", "look_at"), name="aiops_batch_due"),)

    def __str__(self) -> str:
        return f"batch {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether something is still to come of it."""
        return self.status in self.OPEN

    @property
    def done_lines(self) -> int:
        """Lines that are done, as far as anybody knows."""
        told = self.told_completed + self.told_failed
        return told if self.is_open else self.answered + self.failed

    @property
    def failed_lines(self) -> int:
        """Lines that ended in an error, as far as anybody knows."""
        return self.told_failed if self.is_open else self.failed

    @property
    def since(self) -> datetime:
        """Since when it is with the provider; before that, since when there is one."""
        return self.submitted_at or self.created_at

    def as_json(self) -> dict[str, Any]:
        """For commands and scripts."""
        return {
            "batch": self.pk,
            "status": str(self.status),
            "provider_id": self.provider_id,
            "provider_status": self.provider_status,
            "lines": self.line_count,
            "done": self.done_lines,
            "answered": self.answered,
            "failed": self.failed,
            "given_back": self.given_back,
            "error": self.error,
            "created_at": self.created_at.isoformat(),
            "submitted_at": self.submitted_at.isoformat() if self.submitted_at else None,
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
        }

    def is_gone(self, now: datetime) -> bool:
        """Whether the provider has said for so long that it is not there that this is no passing trouble."""
        return self.unsure_since is not None and self.unsure_since < now - GONE

    def is_mine(self) -> bool:
        """Whether it is still being prepared, by whoever asks. Locks it: belongs in a transaction."""
        preparing = Batch.objects.select_for_update().filter(pk=self.pk, status=self.Status.PREPARING)
        return preparing.exists()

    def look_again(self, at: datetime, *, error: str | None = None) -> None:
        """Let nobody look at it before.

        Args:
            error: what is the matter; None leaves what is said of it.
        """
        fields: dict[str, Any] = {"look_at": at} | ({} if error is None else {"error": error})
        Batch.objects.open().filter(pk=self.pk).update(**fields)
        self.refresh_from_db()

    def grew(self, lines: int, *, look_at: datetime) -> None:
        """So many more lines were recorded."""
        Batch.objects.filter(pk=self.pk).update(line_count=F("line_count") + lines, look_at=look_at)

    def is_leaving(self, file: UploadedFile, *, now: datetime, look_at: datetime) -> bool:
        """Its file is there: it is about to be created. Returns whether it may be."""
        since = [self.Status.PREPARING]
        return self._become(self.Status.SUBMITTING, since=since, file=file, unsure_since=now, look_at=look_at)

    def is_created_again(self, *, now: datetime, look_at: datetime) -> bool:
        """The provider does not have it, and is asked once more. Returns whether it may be."""
        return self._become(self.Status.SUBMITTING, since=[self.Status.SUBMITTING], unsure_since=now, look_at=look_at)

    def was_not_created(self, error: str, *, surely: bool, now: datetime) -> None:
        """The provider did not say that it has it.

        Args:
            surely: it has not; else it may, and not tell of it yet.
        """
        unsure = None if surely else now
        since = [self.Status.SUBMITTING]
        self._become(self.Status.SUBMITTING, since=since, error=error, unsure_since=unsure, look_at=now + LOOK_EVERY)

    def was_created(self, told: ToldBatch, *, now: datetime) -> bool:
        """The provider has it. Returns whether that was news."""
        fields = {
            "looked_at": now,
            "provider_id": told.provider_id,
            "submitted_at": now,
            "unsure_since": None,
            "error": "",
            **self._told(told, now + LOOK_EVERY),
        }
        return self._become(self.Status.UNDER_WAY, since=[self.Status.SUBMITTING], **fields)

    def was_seen(self, told: ToldBatch, *, is_over: bool, now: datetime) -> None:
        """What the provider says of it now.

        Args:
            is_over: its answers are to be read.
        """
        to = self.Status.READING if is_over else self.Status.UNDER_WAY
        seen = {
            "output_file_id": told.output_file_id,
            "error_file_id": told.error_file_id,
            "unsure_since": None,
            "looked_at": now,
            "error": "",
            **self._told(told, now if is_over else now + LOOK_EVERY),
        }
        self._become(to, since=[self.Status.UNDER_WAY], **seen)

    def is_not_there(self, error: str, *, now: datetime) -> None:
        """The provider says that it does not have it, or a file of it; who knows for how long it will say so."""
        unsure = self.unsure_since or now
        Batch.objects.open().filter(pk=self.pk).update(unsure_since=unsure, look_at=now + LOOK_EVERY, error=error)
        self.refresh_from_db()

    def will_be_cancelled(self, now: datetime) -> None:
        """The provider was asked to."""
        self._become(self.Status.UNDER_WAY, since=[self.Status.UNDER_WAY], cancelled_at=now, look_at=now)

    def withdraw(self, because: str, *, now: datetime, rest_until: datetime | None = None) -> bool:
        """It never was created, and never will be: its calls are undone. Returns whether it may be."""
        since = [self.Status.PREPARING, self.Status.SUBMITTING]
        return self._become(self.Status.WITHDRAWING, since=since, error=because, rest_until=rest_until, look_at=now)

    def has_read(self, start: int, end: int, *, answers: int, answered: int, failed: int) -> bool:
        """The lines of results from `start` to `end` are merged. Returns whether nobody else has said so.

        Absolute, so that it may be said twice: a line that was counted and not merged would be given away as unbilled.

        Args:
            answers: lines of it that were answered.
            answered: rows that succeeded.
            failed: rows that did not.
        """
        changed = Batch.objects.filter(pk=self.pk, read_lines=start).update(
            read_lines=end,
            read_answers=F("read_answers") + answers,
            answered=F("answered") + answered,
            failed=F("failed") + failed,
        )
        return bool(changed)

    def has_read_output(self, lines: int) -> None:
        """The file of its answers is merged, and need not come again for that of its errors."""
        Batch.objects.filter(pk=self.pk).update(output_lines=lines)

    def count(self, *, failed: int = 0, given_back: int = 0) -> None:
        """What came of some of its lines that were not answered."""
        counts = {"failed": F("failed") + failed, "given_back": F("given_back") + given_back}
        Batch.objects.filter(pk=self.pk).update(**counts)

    def charge(self, *, cost: int, unknown: int) -> None:
        """What some of its lines cost. Belongs in the transaction that closes their calls.

        Args:
            cost: nano-dollars.
            unknown: lines of which nobody knows it.
        """
        costs = {"cost": F("cost") + cost, "unknown_costs": F("unknown_costs") + unknown}
        Batch.objects.filter(pk=self.pk).update(**costs)

    def end(self, status: str, *, now: datetime, **fields: Any) -> bool:
        """Nothing more comes of it. Returns whether this was when it ended."""
        return self._become(status, since=list(self.OPEN), ended_at=now, **fields)

    @staticmethod
    def _told(told: ToldBatch, look_at: datetime) -> dict[str, Any]:
        return {
            "provider_status": told.status,
            "told_completed": told.completed,
            "told_failed": told.failed,
            "tells_counts": told.tells_counts,
            "expires_at": told.expires,
            "look_at": look_at,
        }

    def _become(self, to: str, *, since: Sequence[str], **fields: Any) -> bool:
        changed = Batch.objects.filter(pk=self.pk, status__in=since).update(status=to, **fields)
        self.refresh_from_db()
        return bool(changed)
