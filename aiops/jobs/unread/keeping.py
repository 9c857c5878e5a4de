"""Keeping what is unread of a job where every process finds it, and dropping a job that came to nothing."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from aiops.jobs.models import Job, UnreadPart
from aiops.jobs.unread.unread import Unread
from aiops.ledger.models import Budget
from aiops.ledger.scopes import Scope


def keep(job: Job, unread: Unread) -> None:
    """Keep it until the rows are items. Belongs in the transaction that makes the job."""
    for number, data in enumerate(unread.parts()):
        UnreadPart.objects.create(job=job, number=number, data=data)


def drop(job: Job, token: UUID) -> None:
    """Leave nothing of a job that could not be planned, where this planner still has it."""
    with transaction.atomic():
        Job.objects.lock(job.pk)
        mine = Job.objects.planning().filter(pk=job.pk, worker=token)
        if mine.exists():
            Budget.objects.filter(scope=Scope.JOB, subject=str(job.pk)).delete()
            mine.delete()
