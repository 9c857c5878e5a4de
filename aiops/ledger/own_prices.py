"""Prices of one's own: what a contract says, and what the price data does not know, or knows wrongly."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

FRESH = 5.0
"""Seconds for which a process keeps the prices that it has read: so long after a change the old one may still hold."""

SNAPSHOT = r"(-\d{4}-\d{2}-\d{2})?"
"""What providers add to the name of a model when they say which one answered."""


def _dollars(name: Any, help_text: Any) -> models.DecimalField[Any, Any]:
    """A rate: to the nano-dollar where a million is meant."""
    return models.DecimalField(
        name,
        max_digits=16,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text=help_text,
    )


USED = (
    "input_tokens", "cached_tokens", "cache_write_tokens", "input_image_tokens", "input_audio_tokens",
    "output_tokens", "output_audio_tokens", "audio_hour", "million_characters",
)  # fmt: skip
"""Rates of what is used."""

RATES = (*USED, "server_hour")


class OwnPriceQuerySet(models.QuerySet["OwnPrice"]):
    def overlapping(self, starts_at: datetime, ends_at: datetime | None) -> Self:
        """Those that hold at some moment between, the last one not included."""
        found = self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=starts_at))
        return found.filter(starts_at__lt=ends_at) if ends_at is not None else found


class OwnPrice(models.Model):
    """What a model, or all whose names fit a pattern, costs over a connection from one moment to another."""

    connection = models.CharField(
        _("connection"), max_length=64, blank=True, help_text=_("Its alias. Empty: every connection that is not free.")
    )
    model = models.CharField(
        _("model"), max_length=128, help_text=_("Its name, or a pattern such as gpt-6* in which * is anything.")
    )
    tier = models.CharField(
        _("service tier"),
        max_length=16,
        blank=True,
        help_text=_("Its name in answers, or batch. Empty: the usual one."),
    )
    starts_at = models.DateTimeField(_("from"), default=timezone.now)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True, help_text=_("Empty: until further notice."))
    input_tokens = _dollars(_("input"), _("Dollars a million tokens, like those below."))
    cached_tokens = _dollars(_("cached input"), _("Empty: as input."))
    cache_write_tokens = _dollars(_("written to the cache"), _("Empty: as input."))
    input_image_tokens = _dollars(_("images"), _("Empty: as input."))
    input_audio_tokens = _dollars(_("audio input"), _("Empty: nobody knows."))
    output_tokens = _dollars(_("output"), _("Reasoning is output."))
    output_audio_tokens = _dollars(_("audio output"), _("Empty: nobody knows."))
    audio_hour = _dollars(_("an hour of audio"), _("Dollars. Where this is given, nothing else is billed."))
    million_characters = _dollars(_("a million characters"), _("Dollars, of text that is spoken; likewise."))
    server_hour = _dollars(_("an hour of the server"), _("Dollars; a call costs its share. No other rate then."))
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("Where it comes from."))

    objects = OwnPriceQuerySet.as_manager()

    class Meta:
        verbose_name = _("own price")
        verbose_name_plural = _("own prices")
        ordering = ("connection", "model", "-starts_at")
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")), name="aiops_own_price_ends_after"
            ),
            models.UniqueConstraint(fields=("connection", "model", "tier", "starts_at"), name="aiops_own_price_once"),
            models.CheckConstraint(
                condition=Q(server_hour__isnull=True)
                | (Q(**{f"{name}__isnull": True for name in USED}, tier="") & ~Q(connection="")),
                name="aiops_own_price_hour_alone",
            ),
        )

    def __str__(self) -> str:
        return f"{self.model} · {self.connection}" if self.connection else self.model

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and let this process know at once."""
        super().save(*args, **kwargs)
        forget()

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Delete, and let this process know at once."""
        gone = super().delete(*args, **kwargs)
        forget()
        return gone

    def clean(self) -> None:
        """See that it says something, and nothing that another one says otherwise.

        Raises:
            ValidationError: it does not.
        """
        if all(getattr(self, name) is None for name in RATES):
            raise ValidationError(_("Give at least one rate; zero where it costs nothing."))
        if self.server_hour is not None:
            self._see_that_time_is_all()
        if self.starts_at is None:
            return
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": _("It ends before it begins.")})
        others = OwnPrice.objects.exclude(pk=self.pk)
        others = others.filter(connection=self.connection, model=self.model, tier=self.tier)
        if other := others.overlapping(self.starts_at, self.ends_at).first():
            raise ValidationError(
                _("Another price of it holds from %(start)s: let that one end first.")
                % {"start": other.starts_at.strftime("%Y-%m-%d %H:%M")}
            )

    def _see_that_time_is_all(self) -> None:
        if any(getattr(self, name) is not None for name in USED):
            raise ValidationError(
                {"server_hour": _("What costs by the hour costs nothing else: leave all other rates empty.")}
            )
        if not self.connection:
            raise ValidationError({"connection": _("Name the connection to the server that costs by the hour.")})
        if self.tier:
            raise ValidationError({"tier": _("An hour of a server costs the same in every tier: leave this empty.")})

    def holds(self, connection: str, model: str, at: datetime, tier: str = "") -> bool:
        """Whether it is the price of a model over a connection at a time, in a tier."""
        if self.tier != tier or self.connection not in ("", connection):
            return False
        if at < self.starts_at or (self.ends_at and at >= self.ends_at):
            return False
        pattern = "".join(".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", self.model))
        return re.fullmatch(pattern + SNAPSHOT, model) is not None

    @property
    def exactness(self) -> tuple[bool, bool, int]:
        """Of several that hold the greatest wins: for that connection, for that very name, of the longer pattern."""
        return bool(self.connection), "*" not in self.model, len(self.model)


def own_price(connection: str, model: str, at: datetime, *, tier: str = "") -> OwnPrice | None:
    """The price of one's own that holds; None where there is none."""
    found = [one for one in _all() if one.holds(connection, model, at, tier)]
    return max(found, key=lambda one: one.exactness, default=None)


def forget() -> None:
    """Read them anew when they are next asked for."""
    _kept[0] = NEVER_READ


NEVER_READ: tuple[float, Sequence[OwnPrice]] = (-math.inf, ())

_kept = [NEVER_READ]
"""When they were read, and they: one value, which threads replace and never change."""


def _all() -> Sequence[OwnPrice]:
    """All there are: a handful, asked for with every call."""
    read_at, prices = _kept[0]
    # On an event loop nobody may ask the database: a call that is under way there was prepared with what is kept.
    if time.monotonic() - read_at > FRESH and not _on_event_loop():
        prices = tuple(OwnPrice.objects.all())
        _kept[0] = (time.monotonic(), prices)
    return prices


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
