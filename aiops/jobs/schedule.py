"""The one schedule that the queue keeps for us: a tick each minute, which sees to what nobody rang for."""

from __future__ import annotations

from typing import Any

NAME = "aiops: sweep"


def keep_schedule(using: str = "default", **_: Any) -> None:
    """See that the tick is in the queue's table. Called after each migration; changes nothing where it is there."""
    from django.db import connections
    from django_q.models import Schedule

    if using != "default" or Schedule._meta.db_table not in connections[using].introspection.table_names():
        return
    Schedule.objects.using(using).update_or_create(
        name=NAME,
        defaults={"func": "aiops.jobs.tasks.sweep", "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1},
    )
