"""The queue is a doorbell: a message wakes a worker, the database says what is to be done.

A message too many, or a lost one, is harmless. Rung inside a transaction, it is heard when that commits.
"""

from __future__ import annotations

from typing import Protocol

from django.utils import timezone
from django.utils.module_loading import import_string

from aiops.jobs.models import Job
from aiops.options import options


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
    """Wake a worker for a job, by the doorbell that `AIOPS["DOORBELL"]` names. Only the last ring of a job counts."""
    now = timezone.now()
    Job.objects.filter(pk=job_id).update(rung_at=now)
    doorbell: Doorbell = import_string(options().doorbell)()
    doorbell.ring(job_id, now.isoformat())
