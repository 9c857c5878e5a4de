"""Whether the counters of budgets are what their holds add up to, and making them so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from aiops.durable import one_writer
from aiops.ledger.models import BudgetPeriod, Hold
from aiops.ledger.money import dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A period whose counters are not the sum of its holds. Nano-dollars."""

    period: BudgetPeriod
    """With the counters as they were."""

    held: int
    """By the holds."""

    settled: int

    def sentence(self) -> str:
        """For people."""
        return _("%(period)s: set aside %(held)s, by its holds %(held_by)s; spent %(settled)s, by its holds %(by)s") % {
            "period": self.period,
            "held": dollars(self.period.held),
            "held_by": dollars(self.held),
            "settled": dollars(self.period.settled),
            "by": dollars(self.settled),
        }


def differences() -> list[Difference]:
    """Every period whose counters are wrong. In one statement, so that all sums are of the same moment."""
    return [_difference(period) for period in _wrong(BudgetPeriod.objects.all())]


def rebuild() -> list[Difference]:
    """Set counters to what the holds add up to. Returns what was wrong."""
    return [found for wrong in differences() if (found := _set(wrong.period.pk)) is not None]


def _set(period_id: int) -> Difference | None:
    """None where it is right by now."""
    with one_writer(), transaction.atomic():
        # Whoever closes a hold changes the counters too, and waits for this lock: what is added up here is whole.
        locked = BudgetPeriod.objects.select_for_update(of=("self",)).filter(pk=period_id)
        list(locked)
        period = _wrong(BudgetPeriod.objects.filter(pk=period_id)).first()
        if period is None:
            return None
        found = _difference(period)
        BudgetPeriod.objects.filter(pk=period_id).update(held=found.held, settled=found.settled)
        return found


def _wrong(periods: QuerySet[BudgetPeriod]) -> QuerySet[Any]:
    of_period = Hold.objects.filter(period=OuterRef("pk")).order_by().values("period")
    held = of_period.filter(state=Hold.State.HELD).annotate(sum=Sum("amount")).values("sum")
    settled = of_period.exclude(state=Hold.State.HELD).annotate(sum=Sum("settled")).values("sum")
    return (
        periods.annotate(held_by=Coalesce(Subquery(held), 0), settled_by=Coalesce(Subquery(settled), 0))
        .exclude(held=F("held_by"), settled=F("settled_by"))
        .select_related("budget")
        .order_by("pk")
    )


def _difference(period: Any) -> Difference:
    return Difference(period=period, held=period.held_by, settled=period.settled_by)
