"""Hold, then settle or release: the only code that moves money. Each function belongs inside a transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from aiops.failpoints import failpoint
from aiops.ledger.errors import BudgetRefused
from aiops.ledger.models import BudgetPeriod, Hold
from aiops.ledger.money import dollars
from aiops.ledger.periods import periods_for
from aiops.ledger.scopes import EVERYBODY, ChargedTo
from aiops.rows import insert_rows, update_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Money to be set aside for one attempt."""

    call_id: UUID
    attempt: int
    amount: int
    """Nano-dollars: the most that the attempt can cost."""

    to: ChargedTo = EVERYBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What became of the hold of one attempt."""

    call_id: UUID
    attempt: int
    cost: int | None
    """Nano-dollars. None: unknown, and so charged at its hold. An attempt that surely cost nothing is `released`."""

    released: bool = False


@dataclass(frozen=True, slots=True)
class Granted:
    """How far the money reached."""

    count: int
    """So many of those wanted, from the first, have their hold."""

    refusal: BudgetRefused | None = None
    """Why the next one has not."""


def hold(wanted: Sequence[Wanted], *, now: datetime) -> Granted:
    """Set money aside for as many attempts, in order, as every budget has room for. Never part of one."""
    periods = periods_for({one.to for one in wanted}, now)
    count, refusal = len(wanted), None
    while count:
        short = _hold_in_all(_sums(wanted[:count], periods))
        if short is None:
            break
        count = _fitting(wanted[:count], short, periods)
        refusal = BudgetRefused(short, wanted[count].amount)
    rows = [
        {
            "period_id": period.pk,
            "call_id": one.call_id,
            "attempt": one.attempt,
            "amount": one.amount,
            "created_at": now,
        }
        for one in wanted[:count]
        for period in periods[one.to]
    ]
    failpoint("holds.counted")
    insert_rows(Hold, rows)
    return Granted(count, refusal)


def is_held(call_id: UUID, attempt: int) -> bool:
    """Whether money was set aside for an attempt, be it closed since or not."""
    return Hold.objects.filter(call_id=call_id, attempt=attempt, kind=Hold.Kind.HOLD).exists()


Periods = Mapping[ChargedTo, Sequence[BudgetPeriod]]


def _sums(wanted: Sequence[Wanted], periods: Periods) -> dict[int, int]:
    """Period → nano-dollars wanted of it, in the order in which everybody asks: else two could wait for one another."""
    sums: defaultdict[int, int] = defaultdict(int)
    for one in wanted:
        for period in periods[one.to]:
            sums[period.pk] += one.amount
    return dict(sorted(sums.items()))


def _hold_in_all(sums: Mapping[int, int]) -> BudgetPeriod | None:
    """Hold in every period or in none. Returns the first without room, as it is now."""
    try:
        # One update needs nothing that would undo it.
        with transaction.atomic() if len(sums) > 1 else nullcontext():
            for period_id, amount in sums.items():
                if not BudgetPeriod.objects.filter(pk=period_id).hold(amount):
                    raise _NoRoom(period_id)
    except _NoRoom as no_room:
        return BudgetPeriod.objects.select_related("budget").get(pk=no_room.period_id)
    return None


class _NoRoom(Exception):
    def __init__(self, period_id: int) -> None:
        self.period_id = period_id


def _fitting(wanted: Sequence[Wanted], period: BudgetPeriod, periods: Periods) -> int:
    """How many, from the first, the room that is left would take; always fewer than all of them."""
    room = 0 if period.frozen else period.left
    last = 0
    for count, one in enumerate(wanted):
        if period not in periods[one.to]:
            continue
        last = count
        room -= one.amount
        if room < 0 or period.frozen:
            return count
    # Room came free since the refusal: asking for one less makes sure that this ends.
    return last


def close(endings: Sequence[Ending], *, now: datetime) -> None:
    """Settle or release holds. Those that are closed already are left as they are, so a replay changes nothing."""
    by_attempt = {(ending.call_id, ending.attempt): ending for ending in endings}
    holds = (
        Hold.objects.select_for_update()
        .filter(call_id__in={ending.call_id for ending in endings}, state=Hold.State.HELD)
        .order_by("pk")
        .values_list("pk", "period_id", "call_id", "attempt", "amount")
    )
    changes = {}
    excess: list[dict[str, Any]] = []
    freed: defaultdict[int, int] = defaultdict(int)
    spent: defaultdict[int, int] = defaultdict(int)
    for pk, period_id, call_id, attempt, amount in holds:
        ending = by_attempt.get((call_id, attempt))
        if ending is None:
            continue
        cost = 0 if ending.released else amount if ending.cost is None else ending.cost
        state = Hold.State.RELEASED if ending.released else Hold.State.SETTLED
        changes[pk] = {"state": str(state), "settled": min(cost, amount), "closed_at": now}
        freed[period_id] += amount
        spent[period_id] += cost
        if cost > amount:
            excess.append(_excess(period_id, call_id, attempt, cost - amount, now))
    update_rows(Hold, changes)
    insert_rows(Hold, excess)
    failpoint("holds.closed")
    for period_id in sorted(freed):
        BudgetPeriod.objects.filter(pk=period_id).update(
            held=F("held") - freed[period_id], settled=F("settled") + spent[period_id]
        )
    for beyond in excess:
        BudgetPeriod.objects.filter(pk=beyond["period_id"]).update(
            frozen=True,
            frozen_because=f"Call {beyond['call_id']} cost {dollars(beyond['amount'])} more than was held for it.",
        )


def _excess(period_id: int, call_id: UUID, attempt: int, amount: int, now: datetime) -> dict[str, Any]:
    return {
        "period_id": period_id,
        "call_id": call_id,
        "attempt": attempt,
        "kind": Hold.Kind.EXCESS,
        "state": Hold.State.SETTLED,
        "amount": amount,
        "settled": amount,
        "created_at": now,
        "closed_at": now,
    }
