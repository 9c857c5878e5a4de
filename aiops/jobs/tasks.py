"""What the queue calls. Arguments are ids only."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from aiops.calls.models import Call
from aiops.execution.lost import close_lost
from aiops.execution.window import durable
from aiops.gateway.connections import connections
from aiops.jobs.doorbell import ring
from aiops.jobs.models import Job
from aiops.jobs.settle import count_lost
from aiops.jobs.worker import MARGIN, work_slice
from aiops.options import options

STALE_PLAN = timedelta(hours=1)
"""A job that was not planned after so long was killed while it was."""


def work(job_id: int) -> int:
    """Work at a job for one slice, and ring for the next where items are left. Returns how many items ended.

    A job that is gone, or does not run, is no work: the message came too late, or twice.
    """
    job = Job.objects.running().select_related("version__prompt", "version__schema__schema").filter(pk=job_id).first()
    if job is None:
        return 0
    report = work_slice(job, seconds=options().slice_seconds)
    if report.more:
        ring(job_id)
    return report.ended


def sweep() -> int:
    """See to what nobody rang for: each minute, by a schedule. Returns how many jobs were rung for."""
    now = timezone.now()
    Job.objects.filter(status=Job.Status.PLANNING, created_at__lt=now - STALE_PLAN).delete()
    longest = max(connection.deadline for connection in connections().values())
    with durable():
        overdue = Call.objects.filter(started_at__lt=now - timedelta(seconds=longest) - 2 * MARGIN)
        count_lost(close_lost(overdue, now=now))
    rung = 0
    for job in Job.objects.left_alone(now):
        if job.finish(now=now) or not job.items.claimable(now).exists():
            continue
        with transaction.atomic():
            ring(job.pk)
        rung += 1
    return rung
