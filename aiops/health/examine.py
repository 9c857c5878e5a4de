"""Looking at all of it: a fixed number of short questions, whatever the log has grown to. Nobody else is called."""

from __future__ import annotations

from datetime import datetime

from aiops.health.batch_signs import of_batches
from aiops.health.call_signs import of_connections, of_switch
from aiops.health.database_signs import of_database, of_redis
from aiops.health.job_signs import of_jobs, of_leases, of_notices
from aiops.health.money_signs import of_budgets, of_calls_under_way
from aiops.health.queue_signs import clusters, of_queue, of_sweeper, of_workers
from aiops.health.schedule_signs import of_schedules
from aiops.health.signs import Examination


def examine(now: datetime) -> Examination:
    """How everything stands.

    Raises:
        DatabaseError, InterfaceError: it cannot be found out.
        InvalidOption: the settings themselves are wrong.
    """
    found = clusters()
    signs = [
        of_workers(found, now),
        of_queue(now),
        *of_sweeper(now),
        *of_jobs(now),
        of_leases(now),
        *of_batches(now),
        *of_schedules(now),
        *of_notices(),
        of_switch(),
        *of_connections(now),
        of_calls_under_way(now),
        *of_budgets(now),
        *of_database(),
        *of_redis(),
    ]
    return Examination(signs=signs, clusters=found)
