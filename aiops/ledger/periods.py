"""Calendar periods of budgets. A period is a row, opened when the first call in it is made and never reset."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo

from django.utils import timezone

from aiops.ledger.models import Budget, BudgetPeriod
from aiops.ledger.scopes import ChargedTo, Scope, groups_of


def bounds(renewal: str, now: datetime, zone: tzinfo | None = None) -> tuple[datetime, datetime | None]:
    """First and last moment (exclusive) of the calendar period around `now`.

    Args:
        zone: where its days begin; None for the site's time zone.
    """
    zone = zone or timezone.get_default_timezone()
    local = timezone.localtime(now, zone)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if renewal == Budget.Renewal.DAY:
        return day, _midnight(day + timedelta(days=1, hours=12))
    if renewal == Budget.Renewal.WEEK:
        monday = _midnight(day + timedelta(hours=12) - timedelta(days=day.weekday()))
        return monday, _midnight(monday + timedelta(days=7, hours=12))
    if renewal == Budget.Renewal.MONTH:
        first = day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1)
    return datetime(2000, 1, 1, tzinfo=zone), None


def _midnight(moment: datetime) -> datetime:
    """The start of a local day; days of 23 and 25 hours are why the arithmetic above aims at noon."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def periods_of(to: ChargedTo, now: datetime) -> list[BudgetPeriod]:
    """The periods that a call made now counts against, in a fixed order; opened where they are missing."""
    return periods_for({to}, now)[to]


def periods_for(charged: Iterable[ChargedTo], now: datetime) -> dict[ChargedTo, list[BudgetPeriod]]:
    """As `periods_of`, of several calls at once: two queries, and one more where groups of users have budgets."""
    budgets = list(Budget.objects.counting({to.job_id for to in charged}))
    groups = groups_of({to.user_id for to in charged}) if any(one.scope == Scope.GROUP for one in budgets) else {}
    wanted = {to: _wanted(to, budgets, groups.get(to.user_id, [])) for to in charged}
    keys = {key: budget for found in wanted.values() for key, budget in found.items()}
    periods = _open(keys, now)
    return {to: sorted((periods[key] for key in found), key=lambda one: one.pk) for to, found in wanted.items()}


Key = tuple[int, str]
"""Budget and subject: what has a period of its own."""


def _wanted(to: ChargedTo, budgets: list[Budget], groups: list[int]) -> dict[Key, Budget]:
    return {
        (budget.pk, subject): budget
        for budget in budgets
        for subject in to.subjects(budget.scope, groups)
        if budget.subject in ("", subject)
    }


def _open(wanted: dict[Key, Budget], now: datetime) -> dict[Key, BudgetPeriod]:
    if not wanted:
        return {}
    present = BudgetPeriod.objects.under_way(now).filter(
        budget_id__in={budget_id for budget_id, _ in wanted}, subject__in={subject for _, subject in wanted}
    )
    # Of two, the later: the one before runs out by another time zone.
    found = {(period.budget_id, period.subject): period for period in present.order_by("starts_at")}
    for key, budget in wanted.items():
        if key not in found:
            starts_at, ends_at = bounds(budget.renewal, now, budget.zone)
            found[key], _ = BudgetPeriod.objects.get_or_create(
                budget=budget,
                subject=key[1],
                starts_at=starts_at,
                defaults={"ends_at": ends_at, "cap": budget.cap},
            )
        found[key].budget = budget
    return found


def change_cap(budget: Budget, cap: int, *, now: datetime) -> None:
    """Set a budget's cap, in nano-dollars, for the period under way and those to come, be it switched off or not."""
    budget.cap = cap
    budget.save(update_fields=["cap"])
    BudgetPeriod.objects.under_way(now).filter(budget=budget).update(cap=cap)


def unfreeze(budget: Budget, *, now: datetime) -> int:
    """Let a frozen budget, switched off or not, be spent from again. Returns how many periods were frozen."""
    frozen = BudgetPeriod.objects.under_way(now).filter(budget=budget, frozen=True)
    return frozen.update(frozen=False, frozen_because="")
