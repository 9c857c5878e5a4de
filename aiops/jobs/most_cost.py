"""The most that one job may cost: a budget of its own, as hard a wall as any."""

from __future__ import annotations

from itertools import chain, count

from aiops.jobs.models import Job
from aiops.ledger.models import Budget
from aiops.ledger.scopes import Scope


def set_most_cost(job: Job, nanos: int) -> Budget:
    """Set the wall, in nano-dollars. Whoever raises the budget lets the job go on."""
    return Budget.objects.create(
        name=_free_name(f"Job {job.pk}"),
        scope=Scope.JOB,
        subject=str(job.pk),
        renewal=Budget.Renewal.NEVER,
        cap=nanos,
    )


def _free_name(wanted: str) -> str:
    """Somebody may have called a budget so: names are for people, the subject is what counts."""
    taken = set(Budget.objects.filter(name__startswith=wanted).values_list("name", flat=True))
    return next(name for name in chain([wanted], (f"{wanted} ({n})" for n in count(2))) if name not in taken)
