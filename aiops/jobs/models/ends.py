"""How many items of a job have ended, and in what: kept, for whoever looks at a job of a million rows looks often."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from aiops.jobs.models.item import Item
from aiops.jobs.models.job import Job


class Ends(models.Model):
    """Items of one job that came to one end. Changed in the transaction that changes the items, and nowhere else."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="ends", verbose_name=_("job"), db_index=False)
    status = models.CharField(_("status"), max_length=10, choices=Item.Status)
    error_kind = models.CharField(_("kind of error"), max_length=32, blank=True)
    alike = models.BooleanField(_("like another"), help_text=_("Whether they have the answer of an earlier row."))
    n = models.BigIntegerField(_("items"))

    class Meta:
        verbose_name = _("ends of items")
        verbose_name_plural = _("ends of items")
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("job", "status", "error_kind", "alike"), name="aiops_ends_once"),
        )

    def __str__(self) -> str:
        return f"{self.n} {self.status} {self.error_kind}".rstrip()
