"""Signs of life: one row a cluster of workers, written by tasks that its workers really ran."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

KEPT = timedelta(days=1)
"""How long a cluster that is no longer heard of is remembered."""


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def beat(self, cluster: str, *, host: str, pid: int, watched: bool, now: datetime) -> None:
        """Note that a worker of this cluster has just done something."""
        said = {"beat_at": now, "pid": pid, "ended_at": None}
        if self.filter(cluster=cluster).update(beats=F("beats") + 1, **said):
            return
        row = Heartbeat(cluster=cluster, host=host, watched=watched, beats=1, first_at=now, **said)
        # Another worker of the cluster may be the first as well: then it has said it for both.
        self.bulk_create([row], ignore_conflicts=True)

    def beats_of(self, cluster: str) -> int:
        """How often it was heard of; 0 where it never was. A clock that jumps does not change it."""
        return self.filter(cluster=cluster).values_list("beats", flat=True).first() or 0

    def end(self, cluster: str, now: datetime) -> None:
        """It has ended as it was asked to: nobody is to miss it."""
        self.filter(cluster=cluster).update(ended_at=now)

    def forget_old(self, now: datetime) -> None:
        """Drop what was last heard of long ago."""
        self.filter(beat_at__lt=now - KEPT).delete()

    def wanted(self) -> Self:
        """Those that nobody has ended."""
        return self.filter(ended_at=None)


class Heartbeat(models.Model):
    """A cluster: the workers that one `manage.py work` or `qcluster` has started."""

    cluster = models.CharField(_("cluster"), max_length=90, unique=True)
    host = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("process"), help_text=_("That was heard of last."))
    watched = models.BooleanField(_("watched"), default=False, help_text=_("It is started anew when it stands still."))
    beats = models.BigIntegerField(_("beats"), default=0)
    first_at = models.DateTimeField(_("first heard of"))
    beat_at = models.DateTimeField(_("last heard of"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        verbose_name = _("health")
        verbose_name_plural = _("health")
        ordering = ("-beat_at",)
        # One page, for whoever may see jobs.
        default_permissions = ()

    def __str__(self) -> str:
        return self.cluster
