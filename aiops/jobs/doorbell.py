"""The queue is a doorbell: a message wakes a worker, the database says what is to be done.

A message too many, or a lost one, is harmless. Rung inside a transaction, it is heard when that commits.
"""

from __future__ import annotations

from typing import Protocol

from django.utils import timezone
from django.utils.module_loading import import_string

from aiops.failpoints import failpoint
from aiops.jobs.models import Job
from aiops.options import InvalidOption, options


class Doorbell(Protocol):
    """What a queue must do for us."""

    def ring(self, job_id: int, rung_at: str) -> None:
        """See that a worker, some time soon, calls `aiops.jobs.tasks.work` with these."""
        ...


class DjangoQ:
    """django-q2: any broker will do; with its ORM broker the message is part of the transaction around it."""

    def ring(self, job_id: int, rung_at: str) -> None:
        from django_q.tasks import async_task

        # What went well leaves no row behind, whatever the site keeps of its own tasks: nobody would read it.
        async_task("aiops.jobs.tasks.work", job_id, rung_at, task_name=f"job {job_id}", save=False)


def ring(job_id: int) -> None:
    """Wake a worker for a job. Only the last ring of a job counts.

    Raises:
        InvalidOption: there is no such bell.
    """
    now = timezone.now()
    Job.objects.filter(pk=job_id).update(rung_at=now)
    failpoint("bell.marked")
    doorbell().ring(job_id, now.isoformat())
    failpoint("bell.rung")


def doorbell() -> Doorbell:
    """What `AIOPS["DOORBELL"]` names.

    Raises:
        InvalidOption: it cannot be imported, or cannot be rung.
    """
    path = options().doorbell
    try:
        found: Doorbell = import_string(path)()
    except (ImportError, TypeError) as error:
        raise InvalidOption(f"AIOPS['DOORBELL'] is {path!r}, which is no class that can be made: {error}.") from error
    if not callable(getattr(found, "ring", None)):
        raise InvalidOption(f"AIOPS['DOORBELL'] is {path!r}: it must be a class with a method ring(job_id, rung_at).")
    return found
