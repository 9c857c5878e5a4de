"""Days of the past with calls on them, as they were counted when these ended."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.utils import timezone

from aiops.calls.counting import NEEDED, count_in, sums_of
from aiops.calls.identity import first_id_at
from aiops.calls.models import Call
from tests.screens.rows import build_call

_numbers = count()


def today() -> date:
    return timezone.localdate(timezone=timezone.get_default_timezone())


def day(ago: int) -> date:
    return today() - timedelta(days=ago)


def call_on(day: date, version: Any = None, **fields: Any) -> Call:
    """A call that began shortly after the midnight of that day, and was counted when it ended."""
    began = datetime.combine(day, time(0, 1), timezone.get_default_timezone())
    call = build_call(version, id=UUID(int=first_id_at(began).int + next(_numbers)), started_at=began, **fields)
    call.save(force_insert=True)
    if call.status != Call.Status.SENDING:
        count_in(sums_of(Call.objects.filter(pk=call.pk).values(*NEEDED)))
    return call
