"""Answers already paid for, and who is asking just now.

They are rows of ours and not of Django's cache framework: a version's answers must be found to be purged, people look
at what is kept, its size has a bound in bytes, and what was paid for outlives a restart. Django's framework knows keys
only, and its Redis may forget at any time; here it is never the only record.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from aiops.cache.packed import FORM


class CachedAnswerQuerySet(models.QuerySet["CachedAnswer"]):
    def with_keys(self, keys: Collection[str]) -> Self:
        """Answers to these questions, be they expired or not.

        A condition on the form or the expiry would be one too many: a database without statistics would take the index
        of those, and read all that is kept.
        """
        return self.filter(key__in=keys).order_by()

    def expired(self, now: datetime) -> Self:
        return self.filter(form=FORM, expires_at__lte=now).order_by("expires_at")

    def outdated(self) -> Self:
        """Those in a form that is read no more. A newer one is another program's, at work beside this one."""
        return self.filter(form__lt=FORM).order_by("form")

    def without_bodies(self) -> Self:
        """Leaves the answers themselves in the database; for lists."""
        return self.defer("body")

    def longest_unused(self) -> Self:
        return self.order_by("last_used_at", "pk")

    def bytes(self) -> int:
        """What they take, as `CachedAnswer.size` counts it."""
        return int(self.aggregate(total=Sum("size"))["total"] or 0)


class CachedAnswer(models.Model):
    """A complete answer that was paid for once, to be given again to the very same question."""

    key = models.CharField(_("key"), max_length=64)
    prompt_version = models.ForeignKey(
        "prompts.PromptVersion", models.CASCADE, null=True, related_name="+", verbose_name=_("version"), db_index=False
    )
    connection = models.CharField(_("connection"), max_length=64)
    model = models.CharField(_("model"), max_length=128)
    form = models.PositiveSmallIntegerField(_("form"), default=FORM)
    body = models.BinaryField(_("answer"))
    size = models.PositiveIntegerField(_("size in bytes"), help_text=_("In the database, with its indexes."))
    cost = models.BigIntegerField(_("cost in nano-dollars"), null=True, help_text=_("Empty: unknown."))
    """What each use saves."""
    call_id = models.UUIDField(_("call that paid for it"))
    hits = models.PositiveIntegerField(_("uses"), default=0)
    created_at = models.DateTimeField(_("kept"))
    expires_at = models.DateTimeField(_("expires"))
    last_used_at = models.DateTimeField(_("last used"))

    objects = CachedAnswerQuerySet.as_manager()

    class Meta:
        verbose_name = _("cached answer")
        verbose_name_plural = _("cached answers")
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("key",), name="aiops_cached_answer_once"),)
        indexes = (
            models.Index(fields=("form", "expires_at"), name="aiops_cached_expiry"),
            # With the size, so that neither the sum nor the walk to those unused reads the answers.
            models.Index(fields=("last_used_at", "id", "size"), name="aiops_cached_use"),
            models.Index(fields=("prompt_version", "-id"), name="aiops_cached_version"),
            models.Index(fields=("model", "-id"), name="aiops_cached_model"),
        )

    def __str__(self) -> str:
        return self.key[:12]

    @property
    def saved(self) -> int | None:
        """Nano-dollars that its uses would have cost; None where nobody knows."""
        return None if self.cost is None else self.cost * self.hits


class AskingQuerySet(models.QuerySet["Asking"]):
    def free_for(self, owner: object, now: datetime) -> Self:
        """Those that `owner` may take: its own, and those whose owner must have died."""
        return self.filter(Q(until__lte=now) | Q(owner=owner))

    def held_against(self, owner: object, now: datetime) -> Self:
        """Those that it may not take."""
        return self.filter(until__gt=now).exclude(owner=owner)


class Asking(models.Model):
    """A process asks this just now. A lease: it ends by itself when the process dies."""

    key = models.CharField(_("key"), max_length=64)
    owner = models.UUIDField(_("owner"))
    until = models.DateTimeField(_("until"))

    objects = AskingQuerySet.as_manager()

    class Meta:
        verbose_name = _("question being asked")
        verbose_name_plural = _("questions being asked")
        constraints = (models.UniqueConstraint(fields=("key",), name="aiops_asking_once"),)

    def __str__(self) -> str:
        return self.key[:12]
