"""Money: what may be spent, what is set aside, what is gone. Integer nano-dollars throughout."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Self
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from aiops.ledger.scopes import Scope, names_of


class BudgetQuerySet(models.QuerySet["Budget"]):
    def counting(self, job_ids: Collection[int | None]) -> Self:
        """Active ones that may count calls of these jobs: of those of one job alone there is one for each ever run."""
        jobs = ["", *(str(job_id) for job_id in job_ids if job_id is not None)]
        return self.filter(~Q(scope=Scope.JOB) | Q(subject__in=jobs), active=True)


class Budget(models.Model):
    """A limit in money for a scope, renewed each calendar period."""

    class Renewal(models.TextChoices):
        DAY = "day", _("each day")
        WEEK = "week", _("each week")
        MONTH = "month", _("each month")
        NEVER = "never", _("never")

    name = models.CharField(_("name"), max_length=100, unique=True)
    scope = models.CharField(_("scope"), max_length=16, choices=Scope, default=Scope.EVERYTHING)
    subject = models.CharField(
        _("of which"),
        max_length=255,
        blank=True,
        help_text=_("Key of the one that it is for. Empty: each one of them has all of it for itself."),
    )
    renewal = models.CharField(_("renewed"), max_length=8, choices=Renewal, default=Renewal.MONTH)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, help_text=_("Empty: that of the site."))
    cap = models.BigIntegerField(_("cap in nano-dollars"))
    warn_at = models.PositiveSmallIntegerField(
        _("warn at"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Percent of the cap that are spent, once a period. Empty: no warning."),
    )
    active = models.BooleanField(_("active"), default=True)

    objects = BudgetQuerySet.as_manager()

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        ordering = ("name",)
        indexes = (models.Index(fields=("scope", "subject"), name="aiops_budget_scope"),)
        constraints = (models.CheckConstraint(condition=Q(cap__gte=0), name="aiops_budget_cap_not_negative"),)

    def __str__(self) -> str:
        return self.name

    @cached_property
    def whose(self) -> str:
        """What people call its subject; empty where each has its own. One query, or none."""
        return names_of(self.scope, [self.subject])[self.subject]

    @property
    def frozen_now(self) -> models.QuerySet[BudgetPeriod]:
        """Periods that are under way and frozen, a few of them."""
        return BudgetPeriod.objects.under_way(timezone.now()).filter(budget=self, frozen=True)[:5]

    @property
    def zone(self) -> tzinfo:
        """Where its days begin: not where whoever asks is, else one day of money would be two."""
        return ZoneInfo(self.time_zone) if self.time_zone else timezone.get_default_timezone()


class BudgetPeriodQuerySet(models.QuerySet["BudgetPeriod"]):
    def under_way(self, now: datetime) -> Self:
        """The periods around `now`, those of budgets that are switched off included."""
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now), starts_at__lte=now)

    def hold(self, amount: int) -> bool:
        """Set `amount` aside in the one period of this set, if there is room. One statement, no read before it."""
        room = self.filter(frozen=False, cap__gte=F("settled") + F("held") + amount)
        return bool(room.update(held=F("held") + amount))


class BudgetPeriod(models.Model):
    """One calendar period of a budget, with its counters. Never reset: the next period is a row of its own."""

    budget = models.ForeignKey(Budget, models.PROTECT, related_name="periods", verbose_name=_("budget"))
    subject = models.CharField(_("of which"), max_length=255, blank=True)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True)
    cap = models.BigIntegerField(_("cap in nano-dollars"))
    held = models.BigIntegerField(_("held, nano-dollars"), default=0)
    settled = models.BigIntegerField(_("settled, nano-dollars"), default=0)
    frozen = models.BooleanField(_("frozen"), default=False)
    frozen_because = models.TextField(_("why it is frozen"), blank=True)
    warned_at = models.DateTimeField(_("warned"), null=True)

    objects = BudgetPeriodQuerySet.as_manager()

    class Meta:
        verbose_name = _("budget period")
        verbose_name_plural = _("budget periods")
        ordering = ("-starts_at",)
        # What is going on, of a budget with years of past.
        indexes = (models.Index(fields=("budget", "ends_at"), name="aiops_budget_period_ends"),)
        constraints = (
            models.UniqueConstraint(fields=("budget", "subject", "starts_at"), name="aiops_budget_period_once"),
            models.CheckConstraint(condition=Q(held__gte=0), name="aiops_budget_held_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.budget}, {timezone.localtime(self.starts_at, self.budget.zone):%Y-%m-%d}"

    @property
    def title(self) -> str:
        """The budget's name, and whose it is where each has one of their own. One query, or none."""
        own = "" if self.budget.subject else self.whose
        return f"{self.budget} ({own})" if own else str(self.budget)

    @cached_property
    def whose(self) -> str:
        """What people call its subject; empty where it is over everything. One query, or none."""
        return names_of(self.budget.scope, [self.subject])[self.subject]

    @property
    def left(self) -> int:
        """Nano-dollars that can still be held."""
        return self.cap - self.settled - self.held


class Hold(models.Model):
    """Money set aside for one attempt of a call in one period; or, as `excess`, what it cost beyond that."""

    class Kind(models.TextChoices):
        HOLD = "hold", _("hold")
        EXCESS = "excess", _("beyond the hold")

    class State(models.TextChoices):
        HELD = "held", _("held")
        SETTLED = "settled", _("settled")
        RELEASED = "released", _("released")

    period = models.ForeignKey(BudgetPeriod, models.PROTECT, related_name="holds", verbose_name=_("period"))
    call_id = models.UUIDField(_("call"))
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.HOLD)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.HELD)
    amount = models.BigIntegerField(_("set aside, nano-dollars"))
    settled = models.BigIntegerField(_("settled, nano-dollars"), null=True)
    created_at = models.DateTimeField(_("created"))
    closed_at = models.DateTimeField(_("closed"), null=True)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = (
            models.UniqueConstraint(fields=("call_id", "attempt", "period", "kind"), name="aiops_hold_once"),
        )

    def __str__(self) -> str:
        return f"{self.call_id} #{self.attempt}"
