"""The log: one row a call, written before the request leaves and closed when its end is known."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from aiops.calls.identity import new_call_id
from prompts.models.fields import OrderedJSONField

# The text in it, and not beside it: an index is only found by the very same words.
MODEL = Coalesce(Func(models.F("model_answered"), template="NULLIF(%(expressions)s, '')"), models.F("model_asked"))
"""The model that answered; where none did, that was asked."""


class CallQuerySet(models.QuerySet["Call"]):
    def without_bodies(self) -> Self:
        """Leaves the large texts in the database; for lists."""
        return self.defer("messages", "output", "data", "usage", "attempts", "parameters", "price")

    def open(self) -> Self:
        """Sent, or about to be, and not yet known how it ended."""
        return self.filter(status=Call.Status.SENDING)

    def begun_before(self, live: datetime, batched: datetime) -> Self:
        """Begun so long ago that whoever asked is gone: one that waits in a batch may take longer."""
        return self.filter(Q(batch_id=None, started_at__lt=live) | Q(batch_id__isnull=False, started_at__lt=batched))


class Call(models.Model):
    """One logical request to a provider, whatever came of it."""

    class Status(models.TextChoices):
        SENDING = "sending", _("sending")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown")

    class Operation(models.TextChoices):
        COMPLETION = "completion", _("completion")
        EMBEDDING = "embedding", _("embedding")
        TRANSCRIPTION = "transcription", _("transcription")
        SPEECH = "speech", _("speech")
        MODERATION = "moderation", _("moderation")
        DECISION = "decision", _("decision")
        OTHER = "other", _("other")

    id = models.UUIDField(primary_key=True, default=new_call_id, editable=False)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.SENDING)

    operation = models.CharField(_("operation"), max_length=16, choices=Operation, default=Operation.COMPLETION)
    purpose = models.CharField(_("purpose"), max_length=200, blank=True, help_text=_("What the shop's code asked for."))

    prompt_version = models.ForeignKey(
        "prompts.PromptVersion", models.PROTECT, null=True, related_name="+", verbose_name=_("version"), db_index=False
    )
    connection = models.CharField(_("connection"), max_length=64)
    connection_answered = models.CharField(
        _("connection that answered"), max_length=64, blank=True, help_text=_("Empty: the one that was asked.")
    )
    model_asked = models.CharField(_("model asked"), max_length=128)
    model_answered = models.CharField(_("model that answered"), max_length=128, blank=True)
    parameters = models.JSONField(_("parameters"), default=dict)
    messages = models.JSONField(_("messages"), default=list)

    output = models.TextField(_("output"), blank=True, help_text=_("As it came, whole or not."))
    data = OrderedJSONField(_("parsed data"), null=True)
    finish_reason = models.CharField(_("finish reason"), max_length=32, blank=True)

    input_tokens = models.PositiveIntegerField(_("input tokens"), null=True)
    cached_tokens = models.PositiveIntegerField(_("cached input tokens"), null=True)
    cache_write_tokens = models.PositiveIntegerField(_("input tokens written to the cache"), null=True)
    input_audio_tokens = models.PositiveIntegerField(_("input audio tokens"), null=True)
    input_image_tokens = models.PositiveIntegerField(_("input image tokens"), null=True)
    output_tokens = models.PositiveIntegerField(_("output tokens"), null=True)
    reasoning_tokens = models.PositiveIntegerField(_("reasoning tokens"), null=True)
    output_audio_tokens = models.PositiveIntegerField(_("output audio tokens"), null=True)
    input_audio_ms = models.PositiveIntegerField(_("input audio, ms"), null=True)
    input_characters = models.PositiveIntegerField(_("input characters"), null=True)
    usage = models.JSONField(_("usage as reported"), default=dict)

    cost = models.BigIntegerField(_("cost in nano-dollars"), null=True, help_text=_("Empty: unknown."))
    price = models.JSONField(_("price it was made with"), null=True)

    reused_from = models.UUIDField(_("answer reused from call"), null=True)
    saved = models.BigIntegerField(_("saved by that, nano-dollars"), null=True, help_text=_("Empty: unknown."))
    follows = models.UUIDField(_("asked again after call"), null=True)
    redacted = models.JSONField(_("redacted"), default=dict, help_text=_("How many values of each kind."))

    first_byte_ms = models.PositiveIntegerField(_("time to the first byte, ms"), null=True)
    total_ms = models.PositiveIntegerField(_("time in all, ms"), null=True)
    attempts = models.JSONField(_("failed attempts"), default=list)
    attempt_count = models.PositiveSmallIntegerField(_("attempts"), default=1)

    error_kind = models.CharField(_("kind of error"), max_length=32, blank=True)
    error_text = models.TextField(_("error"), blank=True)
    provider_request_id = models.CharField(_("the provider's request id"), max_length=128, blank=True)

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("user"), db_index=False
    )
    job_id = models.BigIntegerField(_("job"), null=True)
    item_id = models.BigIntegerField(_("item"), null=True)
    batch_id = models.BigIntegerField(_("batch"), null=True, help_text=_("Empty: it was sent by itself."))
    row_type = models.ForeignKey(
        ContentType, models.SET_NULL, null=True, related_name="+", verbose_name=_("kind of row"), db_index=False
    )
    row_key = models.CharField(_("key of the row"), max_length=255, blank=True)

    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        ordering = ("-id",)
        permissions = (("view_call_body", _("Can read what was asked and answered")),)
        indexes = (
            models.Index(fields=("item_id",), name="aiops_call_item"),
            models.Index(fields=("row_type", "row_key"), name="aiops_call_row"),
            # Each leads to calls of one kind, newest first; what comes after the key is what else they may be narrowed
            # by, so that a list need not read the rows to see which of them fit.
            models.Index(fields=("job_id", "-id", "status", "connection", "prompt_version"), name="aiops_call_job"),
            models.Index(fields=("status", "-id", "connection", "prompt_version"), name="aiops_call_status"),
            models.Index(fields=("connection", "-id", "status", "prompt_version"), name="aiops_call_connection"),
            models.Index(fields=("prompt_version", "-id", "status", "connection"), name="aiops_call_version"),
            models.Index(fields=("user", "-id"), name="aiops_call_user"),
            models.Index(MODEL, models.F("id").desc(), name="aiops_call_model"),
            # What a batch that is under way is asked for; it is empty once all of them are over.
            models.Index(
                fields=("batch_id", "id"),
                condition=models.Q(batch_id__isnull=False, status="sending"),
                name="aiops_call_batch",
            ),
            # Few of many.
            models.Index(
                # The columns of the condition as well: SQLite looks at each row whether it still holds.
                fields=("-id", "cost", "status"),
                condition=models.Q(cost__isnull=True) & ~models.Q(status="sending"),
                name="aiops_call_unknown_cost",
            ),
            models.Index(
                fields=("-id", "reused_from"),
                condition=models.Q(reused_from__isnull=False),
                name="aiops_call_reused",
            ),
        )

    def __str__(self) -> str:
        return f"{self.id}"

    @property
    def tokens_in(self) -> int | None:
        """All input tokens; None when the provider did not say."""
        if self.input_tokens is None:
            return None
        return (
            self.input_tokens
            + (self.cached_tokens or 0)
            + (self.cache_write_tokens or 0)
            + (self.input_audio_tokens or 0)
            + (self.input_image_tokens or 0)
        )

    @property
    def tokens_out(self) -> int | None:
        """All output tokens, reasoning included; None when the provider did not say."""
        if self.output_tokens is None:
            return None
        return self.output_tokens + (self.reasoning_tokens or 0) + (self.output_audio_tokens or 0)
