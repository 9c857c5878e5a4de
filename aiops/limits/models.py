"""Where the database keeps what all processes know together."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Pace(models.Model):
    """How far the limits of one connection and model are used up. Made by the first call that a limit holds for."""

    connection = models.CharField(_("connection"), max_length=64)
    model = models.CharField(_("model"), max_length=128)
    state = models.TextField(_("state"), blank=True)

    class Meta:
        verbose_name = _("pace")
        verbose_name_plural = _("paces")
        constraints = (models.UniqueConstraint(fields=("connection", "model"), name="aiops_pace_once"),)

    def __str__(self) -> str:
        return f"{self.connection}: {self.model}"
