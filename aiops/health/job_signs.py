"""Jobs that nobody works at, and those that wait for somebody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.health.signs import Level, Sign
from aiops.jobs.models import Batch, Item, Job, Notice
from aiops.options import options

MOST = 1000
"""Rows that are looked at."""

LEEWAY = timedelta(minutes=3)
"""The sweeper sees to it within a minute or two: before that nothing is wrong."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The kinds of jobs of which something is said: what, how bad, two sentences, what to do, page."""

    what: str
    level: Level
    one: str
    several: str
    remedy: str
    query: str


def of_jobs(now: datetime) -> Iterator[Sign]:
    """One question for all jobs that are not over."""
    status = Job.Status
    unfinished = Job.objects.filter(status__in=(status.PLANNING, status.RUNNING, status.PAUSED)).only(
        "status", "worker", "worker_until", "rung_at", "created_at", "waits_for"
    )
    found = list(unfinished.order_by("pk")[:MOST])
    alone = [job.pk for job in found if job.status == status.RUNNING and _is_alone(job, now)]
    unread = [job.pk for job in found if job.status == status.PLANNING and _is_alone(job, now)]
    if alone:
        # The provider is at these: somebody looks at them when it is time.
        with_provider = Batch.objects.open().filter(job__in=alone, look_at__gt=now - LEEWAY)
        waited_for = set(with_provider.values_list("job_id", flat=True))
        alone = [key for key in alone if key not in waited_for]
    waiting = [job.pk for job in found if job.status == status.PAUSED and job.waits_for is not None]
    paused = [job.pk for job in found if job.status == status.PAUSED and job.waits_for is None]
    running = sum(job.status == status.RUNNING for job in found)
    yield Sign(
        what="jobs",
        level=Level.OK,
        said=ngettext("%(n)s job is running.", "%(n)s jobs are running.", running) % {"n": running},
        facts={"running": running},
        page="aiops_job_changelist?status=running",
    )
    yield from _named(
        alone,
        _Asked(
            "jobs_alone",
            Level.BAD,
            _("Job %(names)s is running, and nobody is at it."),
            _("Jobs %(names)s are running, and nobody is at them."),
            _("See that workers run; “Stop” and “Resume” ring for it at once."),
            "status=running",
        ),
    )
    yield from _named(
        unread,
        _Asked(
            "jobs_planning",
            Level.BAD,
            _("Rows of job %(names)s are still to be read, and nobody is at it."),
            _("Rows of jobs %(names)s are still to be read, and nobody is at them."),
            _("See that workers run; “Stop” and “Resume” ring for it at once."),
            "status=planning",
        ),
    )
    yield from _named(
        waiting,
        _Asked(
            "jobs_without_money",
            Level.WARN,
            _("Job %(names)s waits for money."),
            _("Jobs %(names)s wait for money."),
            _("Raise or unfreeze the budget, and it goes on by itself; or stop the job."),
            "status=paused",
        ),
    )
    yield from _named(
        paused,
        _Asked(
            "jobs_paused",
            Level.OK,
            _("Job %(names)s is paused until somebody resumes it."),
            _("Jobs %(names)s are paused until somebody resumes them."),
            "",
            "status=paused",
        ),
    )


def _is_alone(job: Job, now: datetime) -> bool:
    """Whether no worker is at it, nor on its way, and the sweeper has not seen to it either."""
    if job.worker is not None and job.worker_until is not None:
        return job.worker_until < now - LEEWAY
    since = job.rung_at or job.worker_until or job.created_at
    return since < now - LEEWAY - timedelta(seconds=options().unheard_seconds)


def _named(keys: Sequence[int], asked: _Asked) -> Iterator[Sign]:
    if not keys:
        return
    names = ", ".join(str(key) for key in keys[:5]) + (" …" if len(keys) > 5 else "")
    yield Sign(
        what=asked.what,
        level=asked.level,
        said=(asked.one if len(keys) == 1 else asked.several) % {"names": names},
        remedy=asked.remedy,
        facts={"jobs": list(keys), "count": len(keys)},
        page=f"aiops_job_changelist?{asked.query}",
    )


def of_leases(now: datetime) -> Sign:
    """Rows that a worker has claimed and left behind, and that nobody has taken over."""
    left = Item.objects.left_behind(now - LEEWAY).filter(job__status=Job.Status.RUNNING)
    count = left.order_by()[: MOST + 1].count()
    if not count:
        return Sign(what="leases", level=Level.OK, said=_("No row is left behind."), facts={"left_behind": 0})
    text = ngettext("%(n)s row was left behind by its worker.", "%(n)s rows were left behind by their workers.", count)
    return Sign(
        what="leases",
        level=Level.WARN,
        said=text % {"n": f"{MOST:,}+" if count > MOST else f"{count:,}"},
        remedy=_("They are taken up with their job's next slice: see that workers run."),
        facts={"left_behind": count},
        page="aiops_item_changelist?status=claimed",
    )


def of_notices() -> Iterator[Sign]:
    """Ends of jobs of which nobody could be told."""
    count = Notice.objects.given_up().order_by()[: MOST + 1].count()
    if not count:
        return
    text = ngettext(
        "%(n)s notice of a job could not be told, however often it was tried.",
        "%(n)s notices of jobs could not be told, however often it was tried.",
        count,
    )
    yield Sign(
        what="notices",
        level=Level.WARN,
        said=text % {"n": count},
        remedy=_("See in the workers' log why: MAIL_HOST, JOB_WEBHOOK, JOB_WEBHOOK_KEY."),
        facts={"given_up": count},
    )
