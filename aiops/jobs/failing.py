"""When so much fails at a job that people should look before more is paid for."""

from __future__ import annotations

from aiops.jobs.errors import JobError, TooManyFailed, TooManyFailures
from aiops.jobs.models import Job

FEWEST = 20
"""Of fewer rows a share says nothing."""


def too_much_fails(job: Job, kind: str) -> JobError | None:
    """Why a job must not go on by itself; None where it may.

    Args:
        kind: of the latest error.
    """
    if job.most_failures is None and job.most_failed_percent is None:
        return None
    counts = Job.objects.filter(pk=job.pk).values_list("failures_in_a_row", "ended_lately", "failed_lately").first()
    if counts is None:
        return None
    in_a_row, ended, failed = counts
    if job.most_failures is not None and in_a_row >= job.most_failures:
        return TooManyFailures(job.most_failures, kind)
    percent = job.most_failed_percent
    if percent is not None and ended >= FEWEST and failed * 100 > percent * ended:
        return TooManyFailed(failed, ended, kind)
    return None
