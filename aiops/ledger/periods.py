"""Calendar periods of budgets. A period is a row, opened when the first call in it is made and never reset."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from aiops.ledger.models import Budget, BudgetPeriod


def bounds(renewal: str, now: datetime) -> tuple[datetime, datetime | None]:
    """First and last moment (exclusive) of the calendar period around `now`, in the site's time zone."""
    # Not the time zone of whoever asks: one day of money would be two.
    local = timezone.localtime(now, timezone.get_default_timezone())
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if renewal == Budget.Renewal.DAY:
        return day, _midnight(day + timedelta(days=1, hours=12))
    if renewal == Budget.Renewal.WEEK:
        monday = _midnight(day + timedelta(hours=12) - timedelta(days=day.weekday()))
        return monday, _midnight(monday + timedelta(days=7, hours=12))
    if renewal == Budget.Renewal.MONTH:
        first = day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1)
    return datetime(2000, 1, 1, tzinfo=timezone.get_default_timezone()), None


def _midnight(moment: datetime) -> datetime:
    """The start of a local day; days of 23 and 25 hours are why the arithmetic above aims at noon."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def current_periods(now: datetime) -> list[BudgetPeriod]:
    """The periods that a call made now counts against, in a fixed order; opened where they are missing."""
    periods = list(BudgetPeriod.objects.at(now).select_related("budget"))
    covered = {period.budget_id for period in periods}
    missing = [budget for budget in Budget.objects.filter(active=True) if budget.pk not in covered]
    for budget in missing:
        starts_at, ends_at = bounds(budget.renewal, now)
        period, _ = BudgetPeriod.objects.get_or_create(
            budget=budget, starts_at=starts_at, defaults={"ends_at": ends_at, "cap": budget.cap}
        )
        period.budget = budget
        periods.append(period)
    return sorted(periods, key=lambda period: period.pk)


def change_cap(budget: Budget, cap: int, *, now: datetime) -> None:
    """Set a budget's cap, in nano-dollars, for the period under way and those to come, be it switched off or not."""
    budget.cap = cap
    budget.save(update_fields=["cap"])
    BudgetPeriod.objects.under_way(now).filter(budget=budget).update(cap=cap)


def unfreeze(budget: Budget, *, now: datetime) -> int:
    """Let a frozen budget, switched off or not, be spent from again. Returns how many periods were frozen."""
    frozen = BudgetPeriod.objects.under_way(now).filter(budget=budget, frozen=True)
    return frozen.update(frozen=False, frozen_because="")
