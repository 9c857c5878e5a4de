"""The one schedule that the queue keeps for us: a tick each minute, which sees to what nobody rang for."""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, router

NAME = "aiops: sweep"


def keep_schedule(using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """See that the tick is in the queue's table. Called after each migration, which sets it right again."""
    from django_q.models import Schedule

    if using != router.db_for_write(Schedule):
        return
    if Schedule._meta.db_table not in connections[using].introspection.table_names():
        return
    Schedule.objects.using(using).update_or_create(
        name=NAME,
        defaults={
            "func": "aiops.jobs.tasks.sweep",
            # As for every task of ours, see `doorbell`.
            "kwargs": str({"q_options": {"save": False}}),
            "schedule_type": Schedule.MINUTES,
            "minutes": 1,
            "repeats": -1,
        },
    )
