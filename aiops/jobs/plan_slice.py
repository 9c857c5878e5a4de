"""A slice of planning: a worker reads on where whoever was at the job before has left it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from uuid import UUID, uuid4

from django.db import InterfaceError, OperationalError
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.execution.trouble import TROUBLE, patient
from aiops.failpoints import failpoint
from aiops.jobs.duplicates import Firsts
from aiops.jobs.errors import JobRefused, WrongState
from aiops.jobs.heartbeat import beat_now_and_then
from aiops.jobs.models import Job, JobSlice
from aiops.jobs.planner import LostJob, Planner
from aiops.jobs.sources import SourceError
from aiops.jobs.staying import arrive, depart, say_how_it_ended
from aiops.jobs.unread import unread_by
from aiops.jobs.unread.unread import Placed
from aiops.jobs.worker import at_work
from aiops.resources import ResourceError

logger = logging.getLogger(__name__)

REASONS = (JobRefused, SourceError, ResourceError)
"""What may end it; each is one sentence."""


def plan_slice(job: Job, *, seconds: float) -> None:
    """Read rows of a job for about so long; then let workers begin, or ring for the next slice.

    What cannot be read pauses the job, and says why: a person mends it, and resumes. A database that is out of order
    for longer than it is waited for ends the slice; the sweeper rings again.
    """
    token = uuid4()
    if not _take(job, token, seconds=seconds):
        return
    failpoint("planning.taken")
    job.refresh_from_db(fields=["item_count", "duplicates", "read_to"])
    how = JobSlice.End.WENT_ON
    try:
        firsts = Firsts.of_job(job)
        with closing(unread_by(job).read(job.read_to)) as rows:
            until = time.monotonic() + seconds
            Planner(job, token, firsts).plan(_alive(rows), until=until, most=None)
    except LostJob:
        return
    except (OperationalError, InterfaceError):
        # It is out of order, and may be in order in a minute.
        how = JobSlice.End.BROKEN
        raise
    except Exception as error:
        # A source, an admin or a model of the shop: it may raise anything.
        _pause(job, token, error)
    finally:
        with suppress(*TROUBLE):
            depart(job, token, how)
            say_how_it_ended(job, token, more=Job.objects.filter(pk=job.pk, status__in=Job.AT_WORK).exists())


@patient
def _take(job: Job, token: UUID, *, seconds: float) -> bool:
    now = timezone.now()
    return arrive(job, token, until=now + at_work(), seconds=seconds, now=now, planning=True)


@patient
def _pause(job: Job, token: UUID, error: Exception) -> None:
    if isinstance(error, REASONS):
        why = str(error)
    else:
        logger.exception("job %s: its rows could not be read", job.pk)
        why = f"{type(error).__name__}: {error}"
    if Job.objects.planning().filter(pk=job.pk, worker=token).exists():
        with suppress(WrongState):
            job.pause(_("Its rows could not be read on. %(why)s") % {"why": why})


def _alive(rows: Iterator[Placed]) -> Iterator[Placed]:
    for row in rows:
        beat_now_and_then()
        yield row
