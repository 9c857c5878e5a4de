"""Schedules whose time has come and gone: the sweep does not get as far as them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.health.ages import age, long
from aiops.health.signs import Level, Sign
from aiops.jobs.schedules.model import JobSchedule

LEEWAY = timedelta(minutes=10)
"""They are started one after the other, and to find the rows of one may take its time."""

MOST = 1000
"""Rows that are looked at."""


def of_schedules(now: datetime) -> Iterator[Sign]:
    """One question for all that are switched on and late."""
    late = JobSchedule.objects.active().filter(next_at__lt=now - LEEWAY, taken_at=None).order_by("next_at")
    found = list(late.values_list("name", "next_at")[:MOST])
    if not found:
        return
    text = ngettext(
        "The schedule %(names)s should have run %(long)s ago.",
        "The schedules %(names)s should have run, the first %(long)s ago.",
        len(found),
    )
    names = ", ".join(f"“{name}”" for name, _at in found[:5]) + (" …" if len(found) > 5 else "")
    yield Sign(
        what="schedules",
        level=Level.BAD,
        said=text % {"names": names, "long": long(age(found[0][1] or now, now))},
        remedy=_("See that workers run, and in their log what keeps the sweep from it."),
        facts={"schedules": len(found)},
        page="aiops_jobschedule_changelist",
    )
