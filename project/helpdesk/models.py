"""What the help desk keeps: tickets."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TicketQuerySet(models.QuerySet["Ticket"]):
    def unsorted(self) -> Self:
        """Nobody, and no prompt, has said yet what they are about."""
        return self.filter(category="")

    def same_text(self, texts: list[str]) -> Self:
        """Those whose text is one of `texts`, to the letter."""
        return self.filter(text__in=texts)


class Ticket(models.Model):
    """One question of a customer."""

    class Category(models.TextChoices):
        CARD = "card", _("card")
        CASH = "cash", _("cash")
        PAYMENT = "payment", _("payment")
        TRANSFER = "transfer", _("transfer")
        TOP_UP = "top_up", _("top up")
        ACCOUNT = "account", _("account")

    class Priority(models.TextChoices):
        LOW = "low", _("low")
        NORMAL = "normal", _("normal")
        HIGH = "high", _("high")
        URGENT = "urgent", _("urgent")

    subject = models.CharField(_("subject"), max_length=200)
    text = models.TextField(_("text"))
    category = models.CharField(_("category"), max_length=16, choices=Category, blank=True, default="")
    priority = models.CharField(_("priority"), max_length=8, choices=Priority, blank=True, default="")
    language = models.CharField(
        _("language"), max_length=8, blank=True, default="", help_text=_("Two letters, as in “en”; or “other”.")
    )
    intent = models.CharField(
        _("intent"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("The data set's own label, kept for measuring; never shown to a model."),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, db_index=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.subject or f"#{self.pk}"
