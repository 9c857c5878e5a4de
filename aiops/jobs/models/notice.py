"""Somebody is to be told that a job has come to a rest: a row for each way, written with the end itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aiops.jobs.models.job import Job
from aiops.options import options

QUICK = timedelta(minutes=1)
"""A job that is done so soon is still before the eyes of whoever started it: nobody is written to."""

WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""After each try that failed; with the last of them it is given up."""


AGAIN = timedelta(hours=1)
"""Within it a job that waits for money once more is no news: a budget that is nearly spent lets it go on bit by bit."""

KEPT = timedelta(days=7)
"""How long it is remembered that somebody was told."""


class NoticeQuerySet(models.QuerySet["Notice"]):
    def announce(self, job: Job, what: str, *, now: datetime, because: str = "") -> None:
        """Have people told of it. Belongs in the transaction that makes it so: then it is told once, and only if it is.

        Args:
            because: why it is paused.
        """
        since = job.started_at or job.created_at
        person = job.user_id if what == Notice.What.PAUSED or now - since > QUICK else None
        ways = [Notice.Way.ADMIN] if person else []
        ways += [Notice.Way.MAIL] if person and options().job_mail else []
        ways += [Notice.Way.WEBHOOK] if options().job_webhook else []
        made: dict[str, Any] = {"job": job, "what": what, "because": because, "made_at": now, "due_at": now}
        self.bulk_create([Notice(way=way, **made) for way in ways])

    def announce_want(self, job: Job, *, now: datetime, because: str) -> None:
        """The same of a job that waits for money, unless people were told of late that it does."""
        if not self.filter(job=job, what=Notice.What.PAUSED, made_at__gt=now - AGAIN).exists():
            self.announce(job, Notice.What.PAUSED, now=now, because=because)

    def forget_old(self, now: datetime) -> None:
        """Drop those that were told long ago, or that nobody could be told so long ago."""
        self.filter(told_at__lt=now - KEPT).delete()
        self.given_up().filter(made_at__lt=now - KEPT).delete()

    def due(self, now: datetime) -> Self:
        """To be sent now; those in the admin are waited for by nobody."""
        return self.filter(told_at=None, due_at__lte=now, tries__lt=len(WAITS)).exclude(way=Notice.Way.ADMIN)

    def given_up(self) -> Self:
        """Nobody was told, however often it was tried."""
        return self.filter(told_at=None, tries=len(WAITS))

    def unseen(self, user_id: int | None) -> Self:
        """What this person has not put away yet, newest first."""
        return self.filter(told_at=None, way=Notice.Way.ADMIN, job__user_id=user_id).order_by("-pk")


class Notice(models.Model):
    """One way in which one end of a job is told."""

    class What(models.TextChoices):
        FINISHED = "finished", _("finished")
        PAUSED = "paused", _("paused")

    class Way(models.TextChoices):
        ADMIN = "admin", _("in the admin")
        MAIL = "mail", _("by mail")
        WEBHOOK = "webhook", _("to the webhook")

    job = models.ForeignKey(Job, models.CASCADE, related_name="notices", verbose_name=_("job"))
    what = models.CharField(_("what"), max_length=10, choices=What)
    way = models.CharField(_("way"), max_length=10, choices=Way)
    because = models.TextField(_("why it is paused"), blank=True)
    made_at = models.DateTimeField(_("since"))
    due_at = models.DateTimeField(_("to be told"))
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    told_at = models.DateTimeField(_("told, or seen"), null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ("-id",)
        default_permissions = ()
        # Few of many.
        indexes: ClassVar[tuple[models.Index, ...]] = (
            models.Index(fields=("due_at",), condition=Q(told_at=None), name="aiops_notice_due"),
        )

    def __str__(self) -> str:
        return f"{self.job_id}: {self.what}, {self.way}"

    def take(self, now: datetime) -> bool:
        """Make this try one's own. Returns whether it is: a sweep that comes meanwhile leaves it alone."""
        due = now + WAITS[self.tries]
        mine = Notice.objects.filter(pk=self.pk, told_at=None, tries=self.tries)
        return bool(mine.update(tries=F("tries") + 1, due_at=due))

    def told(self, now: datetime) -> None:
        """It has arrived."""
        Notice.objects.filter(pk=self.pk).update(told_at=now)
