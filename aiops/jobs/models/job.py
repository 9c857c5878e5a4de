"""A prompt over many rows: the job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from aiops.failpoints import failpoint
from aiops.jobs.errors import WrongState
from aiops.jobs.models.at_work import AtWork
from aiops.jobs.models.being_planned import BeingPlanned
from aiops.jobs.models.from_code import FromCode
from aiops.jobs.models.priority import Priority, Urgent
from aiops.jobs.models.trying import Trying
from aiops.ledger.periods import periods_of
from aiops.ledger.scopes import ChargedTo
from aiops.signals import tell_finished


class JobQuerySet(models.QuerySet["Job"]):
    def lock(self, *keys: int) -> None:
        """Let nobody else change these jobs and what hangs on them until the transaction ends.

        Always before items, calls and money: where all lock in one order, nobody waits in a circle.
        """
        list(self.filter(pk__in=keys).order_by("pk").select_for_update().values_list("pk"))

    def running(self) -> Self:
        return self.filter(status=Job.Status.RUNNING)

    def planning(self) -> Self:
        return self.filter(status=Job.Status.PLANNING)

    def waiting_for_money(self) -> Self:
        """Paused since a budget had no room."""
        return self.filter(status=Job.Status.PAUSED, waits_for__isnull=False)

    def under_way(self) -> Self:
        """Not at their end: one that is paused waits for somebody, and then goes on."""
        return self.filter(status__in=Job.UNDER_WAY)

    def with_work(self) -> Self:
        """Being planned, running, or with batches of which something is still to come."""
        return self.filter(Q(status__in=Job.AT_WORK) | Q(transport=Job.Transport.BATCH) & Q(_open_batches()))

    def waiting(self, now: datetime) -> Self:
        """Rung for, and no worker has come yet."""
        return self.filter(Q(worker=None) | Q(worker_until__lt=now), status__in=Job.AT_WORK, rung_at__isnull=False)

    def to_work_at(self) -> Self:
        """Those with work, with all that a worker reads of them."""
        return self.with_work().select_related("version__prompt", "version__schema__schema")

    def left_alone(self, now: datetime) -> Self:
        """The same, with no worker at them."""
        return self.with_work().filter(Q(worker=None) | Q(worker_until__lt=now))


class Job(AtWork, FromCode, Trying, Urgent, BeingPlanned):
    """One version, run over one source, once."""

    class Status(models.TextChoices):
        PLANNING = "planning", _("planning")
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        STOPPED = "stopped", _("stopped")
        FINISHED = "finished", _("finished")

    AT_WORK: ClassVar[tuple[str, ...]] = (Status.PLANNING, Status.RUNNING)
    UNDER_WAY: ClassVar[tuple[str, ...]] = (Status.PLANNING, Status.RUNNING, Status.PAUSED)

    class Transport(models.TextChoices):
        LIVE = "live", _("one by one, now")
        BATCH = "batch", _("in batches, within a day")

    version = models.ForeignKey("prompts.PromptVersion", models.PROTECT, related_name="+", verbose_name=_("version"))
    connection = models.CharField(_("connection"), max_length=64)
    model = models.CharField(_("model"), max_length=128)
    source = models.JSONField(_("source"), help_text=_("What the rows were taken from, as it was asked for."))
    source_text = models.CharField(_("rows"), max_length=255)
    row_type = models.ForeignKey(
        ContentType, models.SET_NULL, null=True, related_name="+", verbose_name=_("kind of row")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("started by")
    )
    schedule = models.ForeignKey(
        "aiops.JobSchedule", models.SET_NULL, null=True, related_name="jobs", verbose_name=_("schedule"), editable=False
    )
    again_of: models.ForeignKey[Job | None, Job | None] = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="again", verbose_name=_("again after"), editable=False
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PLANNING, db_index=True)
    stopped_now = models.BooleanField(
        _("stopped now"), default=False, editable=False, help_text=_("What was in flight is given up.")
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"),
        choices=Priority,
        default=Priority.NORMAL,
        help_text=_("Where jobs wait for a worker, the more urgent ones go first, and one that runs makes room."),
    )
    paused_because = models.TextField(_("why it is paused"), blank=True)
    waits_for = models.BigIntegerField(
        _("waits for, nano-dollars"),
        null=True,
        editable=False,
        help_text=_("What its next call may cost, while it is paused since no budget has so much left."),
    )
    most_failures = models.PositiveIntegerField(
        _("most failures in a row"), null=True, blank=True, help_text=_("After so many it is paused. Empty: never.")
    )
    most_failed_percent = models.PositiveSmallIntegerField(
        _("most failed rows, percent"),
        null=True,
        blank=True,
        help_text=_("With a larger share of rows that failed it is paused. Empty: never."),
    )
    failures_in_a_row = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    ended_lately = models.PositiveIntegerField(
        _("rows asked since it was started or resumed"), default=0, editable=False
    )
    failed_lately = models.PositiveIntegerField(_("failed rows among them"), default=0, editable=False)
    transport = models.CharField(_("how the rows are asked"), max_length=8, choices=Transport, default=Transport.LIVE)
    live_from = models.DateTimeField(
        _("one by one from"),
        null=True,
        blank=True,
        help_text=_("From then on batches are cancelled, and what they have not answered is asked one by one."),
    )
    try_first = models.PositiveIntegerField(
        _("rows to try first"),
        default=0,
        help_text=_("So many, from all over the source, before it is paused with a quote of the rest. 0: none."),
    )
    trying = models.BooleanField(_("trying them"), default=False, editable=False)
    item_count = models.PositiveIntegerField(_("items"), default=0, help_text=_("So far, while it is planned."))
    duplicates = models.PositiveIntegerField(
        _("identical rows"),
        default=0,
        help_text=_("Rows that are like an earlier one and are not asked by themselves."),
    )
    token: models.UUIDField[UUID | None, UUID | None] = models.UUIDField(
        _("token of the form"),
        null=True,
        unique=True,
        editable=False,
        help_text=_("Pressing a button twice starts one job: the second press finds the first by it."),
    )

    tokens_in = models.BigIntegerField(_("tokens in"), default=0)
    tokens_out = models.BigIntegerField(_("tokens out"), default=0)
    cost = models.BigIntegerField(_("cost in nano-dollars"), default=0)
    unknown_costs = models.PositiveIntegerField(_("calls of unknown cost"), default=0)
    ended_ever = models.BigIntegerField(_("ends of rows, those before another try included"), default=0, editable=False)
    answered_at = models.DateTimeField(_("last answer"), null=True, editable=False)

    told_of = models.CharField(
        _("told of"), max_length=10, blank=True, editable=False, help_text=_("The status that was last told by mail.")
    )

    created_at = models.DateTimeField(_("created"))
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("-id",)
        permissions = (("run_job", _("Can run a prompt over rows")),)

    def __str__(self) -> str:
        return f"{self.version} on {self.source_text}"

    def has_money(self, now: datetime) -> bool:
        """Whether every budget that counts it has left what it waits for."""
        to = ChargedTo(
            connection=self.connection, prompt_id=self.version.prompt_id, user_id=self.user_id, job_id=self.pk
        )
        return all(not period.frozen and period.left >= (self.waits_for or 0) for period in periods_of(to, now))

    def is_batched(self, now: datetime) -> bool:
        """Whether rows are asked in batches."""
        return self.transport == Job.Transport.BATCH and (self.live_from is None or now < self.live_from)

    def stop(self, *, now: datetime, give_up: bool = False) -> None:
        """Begin no further item; what is in flight comes to its end.

        Args:
            give_up: what is in flight does not: its worker cancels it, within a second. Also of a job that is stopped.

        Raises:
            WrongState: it is over already.
        """
        since = [*Job.UNDER_WAY, *([Job.Status.STOPPED] if give_up else [])]
        self._move(Job.Status.STOPPED, since=since, ended_at=now, stopped_now=give_up)

    def pause(self, because: str, *, waits_for: int | None = None) -> None:
        """Begin no further item until somebody has done what `because` says, and resumes.

        Args:
            waits_for: nano-dollars that some budget had not left; with as much in all of them it goes on by itself.

        Raises:
            WrongState: it is neither running nor being planned.
        """
        since = [Job.Status.PLANNING, Job.Status.RUNNING]
        with transaction.atomic():
            self._move(Job.Status.PAUSED, since=since, paused_because=because, waits_for=waits_for)
            if waits_for is None:
                self.notices.announce(self, Job.Status.PAUSED, now=timezone.now(), because=because)
            else:
                self.notices.announce_want(self, now=timezone.now(), because=because)

    def resume(self) -> None:
        """Go on with the items that are left, or with planning where not all of them are there; the caller rings.

        Raises:
            WrongState: it is neither paused nor stopped.
        """
        if self.status == Job.Status.RUNNING:
            raise WrongState(_("The job runs already."))
        if self.status == Job.Status.PLANNING:
            raise WrongState(_("The rows of the job are being read already."))
        since = [Job.Status.PAUSED, Job.Status.STOPPED]
        counts = {"failures_in_a_row": 0, "ended_lately": 0, "failed_lately": 0}
        fresh: dict[str, Any] = {"paused_because": "", "waits_for": None, "ended_at": None, "told_of": "", **counts}
        fresh["stopped_now"] = False
        self._move(Job.Status.RUNNING if self.planned_at else Job.Status.PLANNING, since=since, **fresh)

    def retry_failed(self, kind: str = "") -> int:
        """Let failed items be tried again: at once, the caller rings; in a stopped or paused job, once it is resumed.

        Belongs in a transaction.

        Args:
            kind: only those that failed with this kind of error; empty for all.

        Returns:
            How many.

        Raises:
            WrongState: it is still being planned.
        """
        Job.objects.lock(self.pk)
        self.refresh_from_db()
        if self.status == Job.Status.PLANNING:
            raise WrongState(_("The job is still being planned."))
        failed = self.items.failed()
        if kind:
            failed = failed.filter(error_kind=kind)
        again = failed.try_again()
        if again:
            from aiops.jobs.counting import recount

            recount(self)
        if again and self.status == Job.Status.FINISHED:
            self._move(Job.Status.RUNNING, since=[Job.Status.FINISHED], ended_at=None, told_of="")
        return again

    def finish(self, *, now: datetime) -> bool:
        """End the job if it runs and no item is open. Returns whether this call was the one that did."""
        with transaction.atomic():
            failpoint("job.finishing")
            running = Job.objects.running().filter(pk=self.pk)
            # Two statements: one alone would not see the items of a retry that it had to wait for.
            if not running.select_for_update().exists() or self.items.open().exists():
                return False
            if not running.update(status=Job.Status.FINISHED, ended_at=now):
                return False
            self.notices.announce(self, Job.Status.FINISHED, now=now)
            tell_finished(self)
            return True

    def _move(self, to: str, *, since: Sequence[str], **fields: Any) -> None:
        changed = Job.objects.filter(pk=self.pk, status__in=since).update(status=to, **fields)
        self.refresh_from_db()
        if not changed:
            raise WrongState(
                _("The job is %(status)s: it cannot become %(to)s.")
                % {"status": self.get_status_display(), "to": Job.Status(to).label}
            )


def _open_batches() -> models.Exists:
    # They know jobs, and jobs only know that there are some.
    from aiops.jobs.models.batch import Batch

    return models.Exists(Batch.objects.open().filter(job=models.OuterRef("pk")))
