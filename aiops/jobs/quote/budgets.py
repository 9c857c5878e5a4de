"""What a job would do to the budgets that count it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from aiops.ledger.periods import periods_of
from aiops.ledger.scopes import ChargedTo


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """What a job would do to one budget. Nano-dollars."""

    name: str
    left: int
    after: int | None
    """If it costs as much as it may; None when its cost is unknown."""


def budgets_left(to: ChargedTo, cost: int | None, now: datetime, *, most: int | None) -> tuple[BudgetLeft, ...]:
    """All of them, that of the job itself first.

    Args:
        cost: nano-dollars that the job may come to; None: unknown.
        most: nano-dollars at which it is to be paused; None: nowhere.
    """

    def after(left: int) -> int | None:
        return None if cost is None else left - cost

    own = () if most is None else (BudgetLeft(_("this job"), most, after(most)),)
    return (*own, *(BudgetLeft(one.title, one.left, after(one.left)) for one in periods_of(to, now)))
