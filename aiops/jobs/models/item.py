"""One row of a job."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aiops.jobs.models.job import Job
from prompts.models.fields import OrderedJSONField


class ItemQuerySet(models.QuerySet["Item"]):
    def claimable(self, now: datetime) -> Self:
        """Never tried, or left behind."""
        never = Q(status=Item.Status.PENDING, same_as=None)
        return self.filter(never | Q(status=Item.Status.CLAIMED, lease_until__lt=now))

    def pending(self) -> Self:
        """Still to be asked; those that will have the answer of another are not."""
        return self.filter(status=Item.Status.PENDING, same_as=None)

    def followers(self) -> Self:
        """Pending, and to have the answer of another."""
        return self.filter(status=Item.Status.PENDING, same_as__isnull=False)

    def left_behind(self, now: datetime) -> Self:
        """Claimed by a worker whose lease has ended."""
        return self.filter(status=Item.Status.CLAIMED, lease_until__lt=now)

    def open(self) -> Self:
        """Not yet at its end."""
        return self.filter(status__in=Item.OPEN)

    def failed(self) -> Self:
        return self.filter(status=Item.Status.FAILED)

    def try_again(self) -> int:
        """Make them pending, as if they had never been tried. Returns how many."""
        return self.update(
            status=Item.Status.PENDING, claims=0, error_kind="", error_text="", ended_at=None, owner=None
        )

    def count_by_status(self) -> dict[str, int]:
        """Status → number of items; statuses that no item has are 0."""
        found = dict(self.order_by().values_list("status").annotate(n=models.Count("pk")))
        return {status: found.get(status, 0) for status in Item.Status.values}


class Item(models.Model):
    """One row of a job, with the variables it had when the job was planned."""

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        CLAIMED = "claimed", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")

    OPEN: ClassVar[tuple[str, ...]] = (Status.PENDING, Status.CLAIMED)

    job = models.ForeignKey(Job, models.CASCADE, related_name="items", verbose_name=_("job"), db_index=False)
    position = models.PositiveIntegerField(_("position"))
    row_key = models.CharField(_("key of the row"), max_length=255, blank=True)
    variables = OrderedJSONField(_("variables"), default=dict)
    inputs = models.BigIntegerField(
        _("hash of its inputs"),
        null=True,
        editable=False,
        help_text=_("Of the variables that the version reads: another one, once the row has changed."),
    )
    same_as = models.PositiveIntegerField(
        _("same as"), null=True, help_text=_("The position of an earlier row that is asked for both.")
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)

    owner: models.UUIDField[UUID | None, UUID | None] = models.UUIDField(_("owner"), null=True)
    lease_until = models.DateTimeField(_("leased until"), null=True)
    claims = models.PositiveSmallIntegerField(_("times claimed"), default=0)

    call_id = models.UUIDField(_("last call"), null=True)
    data = OrderedJSONField(_("answer"), null=True)
    text = models.TextField(_("answer as text"), blank=True)
    error_kind = models.CharField(_("kind of error"), max_length=32, blank=True)
    error_text = models.TextField(_("error"), blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = ItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        # By the column: by the relation, every list of items would be joined to its jobs to be put in their order.
        ordering = ("job_id", "position")
        constraints = (models.UniqueConstraint(fields=("job", "position"), name="aiops_item_position"),)
        indexes = (
            models.Index(fields=("job", "status", "position"), name="aiops_item_job_status"),
            models.Index(fields=("status", "-job", "-position"), name="aiops_item_status"),
            # What was last said of a row, whichever job asked.
            models.Index(fields=("row_key",), name="aiops_item_row_key"),
            models.Index(fields=("job", "same_as"), condition=Q(same_as__isnull=False), name="aiops_item_same_as"),
        )

    def __str__(self) -> str:
        return f"#{self.position} {self.row_key}".rstrip()

    @property
    def excerpt(self) -> str:
        """The longest text among its variables, cut to 100 characters: what a person knows the row by."""
        texts = [value for value in self.variables.values() if isinstance(value, str)]
        return " ".join(max(texts, key=len, default="")[:100].split())
