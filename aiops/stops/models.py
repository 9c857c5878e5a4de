"""Who stopped every call, why, from when until when."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class StopQuerySet(models.QuerySet["Stop"]):
    def in_force(self) -> Self:
        """Those that nobody has ended, the first of them first."""
        return self.filter(until=None).order_by("pk")


class Stop(models.Model):
    """One time in which nothing is asked of any provider. A row is never deleted: it says why a night was quiet."""

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("stopped by")
    )
    because = models.TextField(_("why"))
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"), null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("ended by")
    )

    objects = StopQuerySet.as_manager()

    class Meta:
        verbose_name = _("stop")
        verbose_name_plural = _("stops")
        ordering = ("-id",)
        permissions = (("stop_calls", _("Can stop every call, and let calls go on")),)
        indexes = (models.Index(fields=("id",), name="aiops_stop_in_force", condition=models.Q(until=None)),)

    def __str__(self) -> str:
        return self.because
