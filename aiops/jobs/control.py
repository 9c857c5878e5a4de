"""Letting a job go on: the change and the bell are one transaction, whichever door it was asked at."""

from __future__ import annotations

from django.db import transaction

from aiops.jobs.doorbell import ring
from aiops.jobs.models import Job


def resume(job: Job) -> None:
    """Let a paused or stopped job go on.

    Raises:
        WrongState: it is neither.
    """
    with transaction.atomic():
        job.resume()
        ring(job.pk)


def retry_failed(job: Job, kind: str = "") -> int:
    """Have failed items tried again.

    Args:
        kind: only those that failed with this kind of error; empty for all.

    Returns:
        How many.

    Raises:
        WrongState: the job is still being planned.
    """
    with transaction.atomic():
        again = job.retry_failed(kind)
        if again:
            ring(job.pk)
    return again
