"""Whether what each day came to is what its calls add up to, and making it so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from aiops.calls.counting import NEEDED, Sums, count_in, day_of, ids_of, sums_of
from aiops.calls.models import Call
from aiops.calls.spend import COUNTED, TIMES, Spend
from aiops.durable import one_writer

COLUMNS = (*COUNTED, *TIMES)

AT_ONCE = 2000
"""Calls that are read at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongDay:
    """A day whose rows are not what its calls add up to. Costs are nano-dollars."""

    day: date
    rows: int
    """How many of them are wrong."""

    calls: int
    cost: int
    by_log_calls: int
    by_log_cost: int


@dataclass(slots=True)
class Rebuilt:
    """What came of it."""

    first: date | None = None
    """The first day that was looked at; None where there is none. Those before it were left alone."""

    days: int = 0
    wrong: list[WrongDay] = field(default_factory=list)


def rebuild(*, since: date | None = None, check: bool = False) -> Rebuilt:
    """Add up the calls of each day, and set its rows to that.

    Calls may be made meanwhile. Days whose calls were deleted keep what they were: those before the oldest call that
    is kept, and its own where more were counted than are left.

    Args:
        since: the first day to look at, even if calls of it may have been deleted.
        check: change nothing.
    """
    done = Rebuilt()
    oldest = Call.objects.order_by("pk").values_list("pk", flat=True).first()
    done.first = since or (day_of(oldest) if oldest else None)
    if done.first is None:
        return done
    for day in _days(done.first):
        done.days += 1
        may_lack = since is None and day == done.first
        # Most days are right, and nobody has to wait for that.
        if _wrong(day, may_lack=may_lack) and (wrong := _under_lock(day, may_lack=may_lack, check=check)):
            done.wrong.append(wrong)
    return done


def _days(first: date) -> Iterator[date]:
    newest = Call.objects.order_by("-pk").values_list("pk", flat=True).first()
    counted = Spend.objects.order_by("-day").values_list("day", flat=True).first()
    last = max(found for found in (timezone.localdate(), counted, day_of(newest) if newest else None) if found)
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _under_lock(day: date, *, may_lack: bool, check: bool) -> WrongDay | None:
    """None where it is right by now."""
    with one_writer(), transaction.atomic():
        # Whoever ends a call adds to this row first, and waits for it: what is read from here on is whole.
        count_in({(Spend.By.ALL, day, ""): {"calls": 0}})
        wrong = _wrong(day, may_lack=may_lack)
        found = _told(day, wrong) if wrong else None
        if check:
            transaction.set_rollback(True)
        else:
            count_in(wrong)
            Spend.objects.filter(day=day, calls=0).delete()
        return found


def _wrong(day: date, *, may_lack: bool) -> Sums:
    """Where the rows of a day are wrong, and by how much."""
    logged, counted = _by_log(day), _as_counted(day)
    everything = (str(Spend.By.ALL), day, "")
    if may_lack and counted.get(everything, {}).get("calls", 0) > logged.get(everything, {}).get("calls", 0):
        return {}
    gone = _gone({key for by, _day, key in counted.keys() - logged.keys() if by == Spend.By.USER})
    wrong: Sums = {}
    for where in logged.keys() | counted.keys():
        if where[0] == Spend.By.USER and where[2] in gone:
            continue
        ought, is_now = logged.get(where, {}), counted.get(where, {})
        if ought != is_now:
            wrong[where] = {name: ought.get(name, 0) - is_now.get(name, 0) for name in ought.keys() | is_now.keys()}
    return wrong


def _by_log(day: date) -> Sums:
    first, after = ids_of(day, day)
    ended = Call.objects.exclude(status=Call.Status.SENDING).filter(pk__gte=first, pk__lt=after).order_by("pk")
    return sums_of(ended.values(*NEEDED).iterator(AT_ONCE))


def _as_counted(day: date) -> Sums:
    # By each `by`: the index begins with it.
    rows = Spend.objects.filter(by__in=Spend.By.values, day=day).values("by", "day", "key", *COLUMNS)
    found = {}
    for row in rows:
        numbers = {name: row[name] for name in COLUMNS if row[name]}
        if numbers:
            found[row["by"], row["day"], row["key"]] = numbers
    return found


def _gone(keys: set[str]) -> set[str]:
    """Of these users, those that were deleted: their calls are nobody's now, and what they spent stays."""
    if not keys:
        return set()
    users = get_user_model()._default_manager.filter(pk__in=keys)
    return keys - {str(pk) for pk in users.values_list("pk", flat=True)}


def _told(day: date, wrong: Sums) -> WrongDay:
    counted = Spend.objects.filter(by=Spend.By.ALL, day=day).values("calls", "cost").get()
    off = wrong.get((str(Spend.By.ALL), day, ""), {})
    return WrongDay(
        day=day,
        rows=len(wrong),
        calls=counted["calls"],
        cost=counted["cost"],
        by_log_calls=counted["calls"] + off.get("calls", 0),
        by_log_cost=counted["cost"] + off.get("cost", 0),
    )
