"""A job that starts by itself."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from aiops.jobs.models import Job, Priority
from aiops.jobs.schedules.times import next_by_cron, next_by_interval, zone_named
from prompts.models import PromptVersion
from prompts.models.version import PRODUCTION

A_YEAR = 366 * 24 * 60
"""Minutes."""

FAR_AHEAD = timedelta(days=7)
"""A last run that is so far in the future was noted by a clock that was wrong. By less nothing is changed: a clock that
is set back must not run anything twice."""

LOST = timedelta(hours=1)
"""Whoever has taken a run and says nothing for so long was killed over it."""

MOST_TAKES = 3
"""A run that was taken so often and never came to its end kills who takes it: the schedule is switched off."""


class JobScheduleQuerySet(models.QuerySet["JobSchedule"]):
    def active(self) -> Self:
        return self.filter(active=True)

    def without_time(self, now: datetime) -> Self:
        """Switched on, and nobody has said yet when it is due next; or said so by a clock that was far ahead."""
        return self.active().filter(Q(next_at=None) | Q(last_at__gt=now + FAR_AHEAD))

    def in_turn(self) -> Self:
        """The one that is due next first, those that are switched off last."""
        return self.select_related("prompt", "owner").order_by("-active", F("next_at").asc(nulls_last=True), "name")

    def that_ask(self, version: PromptVersion) -> Self:
        """Switched on, and to ask this version as labels stand now."""
        named = [str(version.number), *version.labels.values_list("name", flat=True)]
        return self.active().filter(prompt=version.prompt_id, version__in=named)

    def due(self, now: datetime) -> Self:
        """Those whose time has come, whose turn has come after the run before, or whose run was lost."""
        busy = Job.objects.under_way().filter(schedule=models.OuterRef("pk"))
        turn = Q(waiting=True) & ~models.Exists(busy)
        free = Q(taken_at=None) & (Q(next_at__lte=now) | turn)
        return self.active().filter(free | Q(taken_at__lt=now - LOST))


class JobSchedule(models.Model):
    """What to run, over which rows, when, and with whose permissions."""

    class Only(models.TextChoices):
        CHANGED = "changed", _("rows that are new, or have changed since they were answered")
        NEW = "new", _("rows that were never answered")
        EMPTY = "empty", _("rows whose field below is empty")
        ALL = "all", _("every row, each time")

    class Overlap(models.TextChoices):
        SKIP = "skip", _("leave this run out")
        QUEUE = "queue", _("run once the one before is over")

    class Tell(models.TextChoices):
        TROUBLE = "trouble", _("what did not go well")
        ALWAYS = "always", _("every run")

    class Outcome(models.TextChoices):
        STARTED = "started", _("started")
        NOTHING = "nothing", _("nothing to do")
        SKIPPED = "skipped", _("left out")
        WAITING = "waiting", _("waiting")
        REFUSED = "refused", _("refused")

    name = models.CharField(_("name"), max_length=100, unique=True)
    prompt = models.ForeignKey("prompts.Prompt", models.PROTECT, related_name="+", verbose_name=_("prompt"))
    version = models.CharField(
        _("version"),
        max_length=64,
        default=PRODUCTION,
        help_text=_("A label, which is looked up at each run, or the number of a version."),
    )
    connection = models.CharField(
        _("connection"), max_length=64, blank=True, help_text=_("Empty: the version's own, or else the usual one.")
    )
    model = models.CharField(
        _("model"), max_length=128, blank=True, help_text=_("Empty: the version's own, or else the connection's.")
    )

    row_model = models.CharField(_("rows of"), max_length=128, help_text=_("Such as helpdesk.Ticket."))
    list_query = models.TextField(
        _("as on the list"),
        blank=True,
        max_length=2_000,
        help_text=_("What stands behind the “?” in the address of the filtered list, such as category__exact=card."),
    )
    filters = models.TextField(
        _("filters"),
        blank=True,
        max_length=2_000,
        help_text=_("One a line, such as category=card or text__icontains=lost; all must hold."),
    )
    only = models.CharField(_("which of them"), max_length=10, choices=Only, default=Only.CHANGED)
    empty = models.CharField(_("field that is empty"), max_length=64, blank=True)
    most_rows = models.PositiveIntegerField(
        _("most rows a run"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("The others have their turn at the next run. Empty: all."),
    )

    cron = models.CharField(
        _("cron expression"),
        max_length=100,
        blank=True,
        help_text=_("Minute, hour, day, month, weekday: 30 2 * * 1-5 is each working day at 2:30."),
    )
    every = models.PositiveIntegerField(
        _("or every, minutes"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(A_YEAR)],
        help_text=_("Instead of it."),
    )
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, help_text=_("Empty: that of the site."))
    active = models.BooleanField(_("active"), default=True)
    overlap = models.CharField(_("if the run before is not over"), max_length=10, choices=Overlap, default=Overlap.SKIP)

    most_cost = models.BigIntegerField(
        _("most cost of a run, nano-dollars"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    most_failures = models.PositiveIntegerField(
        _("pause after, failed rows"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority, default=Priority.NORMAL)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("owner"),
        help_text=_("Whose permissions it runs with, and whose budgets count it."),
    )
    tell = models.TextField(
        _("tell by mail"), blank=True, max_length=2_000, help_text=_("Addresses, separated by commas or lines.")
    )
    tell_of = models.CharField(_("tell them"), max_length=10, choices=Tell, default=Tell.TROUBLE)

    next_at = models.DateTimeField(_("next run"), null=True, blank=True, editable=False, db_index=True)
    waiting = models.BooleanField(_("waits for the run before"), default=False, editable=False)
    taken_at = models.DateTimeField(_("taken"), null=True, editable=False)
    takes = models.PositiveSmallIntegerField(_("times taken"), default=0, editable=False)
    last_at = models.DateTimeField(_("last run"), null=True, editable=False)
    outcome = models.CharField(_("what came of it"), max_length=10, choices=Outcome, blank=True, editable=False)
    outcome_text = models.TextField(_("what was said"), blank=True, editable=False)

    objects = JobScheduleQuerySet.as_manager()

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> tzinfo:
        """In which its cron expression is read.

        Raises:
            BadTime: there is no such zone.
        """
        return zone_named(self.time_zone)

    @property
    def filter_lines(self) -> list[str]:
        """The filters, one each."""
        return [line.strip() for line in self.filters.splitlines() if line.strip()]

    @property
    def addresses(self) -> list[str]:
        """Who is told, each once."""
        return list(dict.fromkeys(self.tell.replace(",", " ").replace(";", " ").split()))

    def clean(self) -> None:
        """See that it can run as it stands.

        Raises:
            ValidationError: each thing that is wrong, by its field, in a sentence.
        """
        from aiops.jobs.schedules.cleaning import see_that_it_can_run

        see_that_it_can_run(self)

    def next_after(self, now: datetime) -> datetime:
        """When it is due next, later than `now`.

        Raises:
            BadTime: never, as it stands.
        """
        if self.cron:
            return next_by_cron(self.cron, self.zone, now)
        return next_by_interval(timedelta(minutes=self.every or 1), self.next_at, now)

    def next_runs(self, now: datetime, n: int = 5) -> list[datetime]:
        """The next so many times, in its own time zone.

        Raises:
            BadTime: as `next_after`.
        """
        found: list[datetime] = []
        at = self.next_at if self.next_at and self.next_at > now else self.next_after(now)
        while len(found) < n:
            found.append(at.astimezone(self.zone))
            at = self.next_after(at)
        return found

    def plan(self, now: datetime) -> None:
        """Say when it is due next. A run that waited for its turn is dropped.

        Raises:
            BadTime: never, as it stands.
        """
        self.next_at = None
        changed: dict[str, Any] = {"next_at": self.next_after(now), "waiting": False}
        if self.last_at and self.last_at > now + FAR_AHEAD:
            changed |= {"last_at": None, "taken_at": None, "takes": 0}
        JobSchedule.objects.filter(pk=self.pk).update(**changed)
        self._remember(changed)

    def take(self, now: datetime) -> bool:
        """Take the run that is due, so that nobody else starts it. Returns whether this call was the one that did.

        What was missed meanwhile is this one run: the next is later than now.

        Raises:
            BadTime: nobody can say when it is due next.
        """
        upcoming = self.next_at if self.next_at and self.next_at > now else self.next_after(now)
        mine = JobSchedule.objects.due(now).filter(
            pk=self.pk, next_at=self.next_at, taken_at=self.taken_at, waiting=self.waiting
        )
        taken = mine.update(next_at=upcoming, taken_at=now, takes=F("takes") + 1, last_at=now)
        if taken:
            self.next_at, self.taken_at, self.last_at, self.takes = upcoming, now, now, self.takes + 1
        return bool(taken)

    def take_now(self, now: datetime) -> bool:
        """Take a run beside its times, which stay. Returns whether nobody else had taken one."""
        free = Q(taken_at=None) | Q(taken_at__lte=now - LOST)
        taken = JobSchedule.objects.filter(free, pk=self.pk).update(taken_at=now, takes=F("takes") + 1, last_at=now)
        if taken:
            self.taken_at, self.last_at = now, now
        return bool(taken)

    def settle(self, outcome: Outcome, text: str) -> None:
        """Write what came of the run that was taken."""
        waiting = outcome == JobSchedule.Outcome.WAITING
        changed = {"taken_at": None, "takes": 0, "outcome": outcome, "outcome_text": text, "waiting": waiting}
        JobSchedule.objects.filter(pk=self.pk, taken_at=self.taken_at).update(**changed)
        self._remember(changed)

    def switch_off(self, because: str) -> None:
        """It cannot go on by itself: somebody has to look, and to switch it on again."""
        changed = {
            "active": False,
            "taken_at": None,
            "takes": 0,
            "waiting": False,
            "next_at": None,
            "outcome": JobSchedule.Outcome.REFUSED,
            "outcome_text": because,
        }
        JobSchedule.objects.filter(pk=self.pk).update(**changed)
        self._remember(changed)

    def _remember(self, changed: dict[str, Any]) -> None:
        for name, value in changed.items():
            setattr(self, name, value)
