"""Budgets with what was spent of them: of those under way, the fullest."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import F
from django.utils import timezone

from aiops.dashboard.rate import Outlook
from aiops.ledger.models import Budget, BudgetPeriod
from aiops.ledger.scopes import Scope, names_of

SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """A period under way. Nano-dollars."""

    budget: Budget
    title: str
    spent: int
    held: int
    cap: int
    ends_at: datetime | None
    frozen: bool
    used_up_on: date | None
    """At the present rate, where that is before it is renewed; told of budgets over everything."""

    @property
    def percent(self) -> int:
        """Of the cap, spent and set aside together; 100 at most."""
        return min(100, (self.spent + self.held) * 100 // self.cap) if self.cap else 100

    @property
    def left(self) -> int:
        return self.cap - self.spent - self.held


def budget_lines(outlook: Outlook, now: datetime) -> list[BudgetLine]:
    """Those over everything first, then the fullest. Budgets of one job alone stand on the page of the job.

    At most two queries, and one for each kind of subject.
    """
    budgets = {one.pk: one for one in Budget.objects.filter(active=True).exclude(scope=Scope.JOB)}
    present = BudgetPeriod.objects.under_way(now).filter(budget__in=budgets)
    fullest = present.alias(full=(F("settled") + F("held")) * 1.0 / (F("cap") + 1)).order_by("-full", "pk")
    periods = list(fullest[:SHOWN])
    for period in periods:
        period.budget = budgets[period.budget_id]
    _name(periods)
    lines = [_line(period, outlook, now) for period in periods]
    # What nobody has spent of yet in this period has no row of its own.
    begun = {period.budget_id for period in periods}
    lines += [_unspent(one) for one in budgets.values() if one.pk not in begun and _is_one(one)][: SHOWN - len(lines)]
    return sorted(lines, key=lambda line: (line.budget.scope != Scope.EVERYTHING, -line.percent, line.title))


def _is_one(budget: Budget) -> bool:
    """Whether there is one period of it at a time, not one for each user, prompt, …"""
    return budget.scope == Scope.EVERYTHING or bool(budget.subject)


def _unspent(budget: Budget) -> BudgetLine:
    return BudgetLine(
        budget=budget,
        title=str(budget),
        spent=0,
        held=0,
        cap=budget.cap,
        ends_at=None,
        frozen=False,
        used_up_on=None,
    )


def _name(periods: list[BudgetPeriod]) -> None:
    by_scope: defaultdict[str, set[str]] = defaultdict(set)
    for period in periods:
        by_scope[period.budget.scope].add(period.subject)
    names = {scope: names_of(scope, subjects) for scope, subjects in by_scope.items()}
    for period in periods:
        period.whose = names[period.budget.scope][period.subject]


def _line(period: BudgetPeriod, outlook: Outlook, now: datetime) -> BudgetLine:
    return BudgetLine(
        budget=period.budget,
        title=period.title,
        spent=period.settled,
        held=period.held,
        cap=period.cap,
        ends_at=period.ends_at,
        frozen=period.frozen,
        used_up_on=_used_up(period, outlook, now) if period.budget.scope == Scope.EVERYTHING else None,
    )


def _used_up(period: BudgetPeriod, outlook: Outlook, now: datetime) -> date | None:
    if not outlook.a_day or period.settled >= period.cap:
        return None
    days = (period.cap - period.settled) / outlook.a_day
    if days > 366:
        return None
    moment = now + timedelta(days=days)
    if period.ends_at is not None and moment >= period.ends_at:
        return None
    return timezone.localdate(moment, period.budget.zone)
