"""The one tick: start what is due. Each schedule by itself, so that a bad one never stops the others."""

from __future__ import annotations

import logging
from datetime import datetime

from django.utils.translation import gettext as _

from aiops.execution.errors import REFUSALS
from aiops.failpoints import failpoint
from aiops.jobs.errors import JobError, JobRefused
from aiops.jobs.models import Job
from aiops.jobs.schedules.cleaning import version_of
from aiops.jobs.schedules.errors import BadTime
from aiops.jobs.schedules.model import MOST_TAKES, JobSchedule
from aiops.jobs.schedules.source import rows_in_need, whole_source
from aiops.jobs.schedules.telling import tell_of_refusal
from aiops.jobs.sources import SourceError
from aiops.jobs.start import start_job
from aiops.resources import ResourceError
from aiops.stops.switch import stopped

logger = logging.getLogger(__name__)

REASONS = (JobError, SourceError, ResourceError, *REFUSALS)
"""What may refuse a run; each is one sentence."""


def run_due(now: datetime) -> int:
    """Start the runs that are due. Returns how many jobs were started.

    A run that was missed, however often, is one run now. Asked twice at once, or with a clock that was set back, each
    run is started once.
    """
    for schedule in JobSchedule.objects.without_time(now):
        _by_itself(schedule, lambda schedule: schedule.plan(now))
    started = 0
    for schedule in JobSchedule.objects.due(now).select_related("prompt", "owner"):
        job = _by_itself(schedule, lambda schedule: _run_if_due(schedule, now))
        started += job is not None
    return started


def run_now(schedule: JobSchedule, now: datetime) -> Job | None:
    """Run one beside its times. Returns the job; None where there is none, and the schedule says why.

    Raises:
        JobRefused: it is being started at this very moment.
    """
    if not schedule.take_now(now):
        raise JobRefused(_("“%(name)s” is just being started: look again in a minute.") % {"name": schedule.name})
    try:
        return _by_itself(schedule, run)
    except BaseException:
        # Whoever broke it off does not want it an hour later.
        schedule.settle(JobSchedule.Outcome.REFUSED, _("It was broken off."))
        raise


def run(schedule: JobSchedule) -> Job | None:
    """Start a job for what a schedule says, and write what came of it. Returns the job; None where there is none.

    Raises:
        Exception: whatever the shop's code raises while its rows are read.
    """
    before = Job.objects.under_way().filter(schedule=schedule).order_by("-pk").first()
    if before is not None:
        _not_now(schedule, before)
        return None
    try:
        if refusal := stopped():
            raise refusal
        version = version_of(schedule)
        source = rows_in_need(schedule, version, whole_source(schedule))
        if not source.count():
            words = {"rows": source.describe()}
            schedule.settle(JobSchedule.Outcome.NOTHING, _("There was nothing to do: %(rows)s.") % words)
            return None
        job = start_job(
            version,
            source,
            user=schedule.owner,
            connection=schedule.connection,
            model=schedule.model,
            most_cost=schedule.most_cost,
            most_failures=schedule.most_failures,
            priority=schedule.priority,
            schedule=schedule,
        )
    except REASONS as error:
        refuse(schedule, str(error))
        return None
    failpoint("schedule.started")
    _settle_started(schedule, job)
    return job


def refuse(schedule: JobSchedule, because: str) -> None:
    """Write down why a run was not started, and tell whoever is to be told."""
    schedule.settle(JobSchedule.Outcome.REFUSED, because)
    tell_of_refusal(schedule, because)


def _run_if_due(schedule: JobSchedule, now: datetime) -> Job | None:
    lost_since = schedule.taken_at
    if not schedule.take(now):
        return None
    failpoint("schedule.taken")
    if lost_since is not None and (found := _left_behind(schedule, lost_since)):
        _settle_started(schedule, found)
        return None
    if schedule.takes > MOST_TAKES:
        because = _("It was started %(n)s times and ended its worker each time: see what is wrong, then switch it on.")
        because %= {"n": MOST_TAKES}
        schedule.switch_off(because)
        tell_of_refusal(schedule, because)
        return None
    return run(schedule)


def _left_behind(schedule: JobSchedule, since: datetime) -> Job | None:
    """The job of a run whose process was killed, if it had begun by then; one that is half planned, workers plan on."""
    return Job.objects.filter(schedule=schedule, created_at__gte=since).first()


def _settle_started(schedule: JobSchedule, job: Job) -> None:
    schedule.settle(JobSchedule.Outcome.STARTED, _("Job %(id)s: %(job)s") % {"id": job.pk, "job": job})


def _not_now(schedule: JobSchedule, before: Job) -> None:
    words = {"id": before.pk, "status": before.get_status_display()}
    if schedule.overlap == JobSchedule.Overlap.QUEUE:
        schedule.settle(JobSchedule.Outcome.WAITING, _("It waits for job %(id)s, which is %(status)s.") % words)
    else:
        schedule.settle(JobSchedule.Outcome.SKIPPED, _("Job %(id)s of the run before is %(status)s.") % words)


def _by_itself(schedule: JobSchedule, do: object) -> Job | None:
    """Do something with one schedule; whatever goes wrong is its own."""
    try:
        return do(schedule)  # type: ignore[operator,no-any-return]
    except BadTime as error:
        because = _("%(why)s It is switched off until somebody has corrected it.") % {"why": error}
        schedule.switch_off(because)
        tell_of_refusal(schedule, because)
    except Exception as error:
        logger.exception("schedule “%s”", schedule)
        refuse(schedule, f"{type(error).__name__}: {error}")
    return None
