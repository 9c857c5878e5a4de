"""Mail about the runs of schedules, to those whom the schedule names."""

from __future__ import annotations

import logging

from django.core.mail import send_mail
from django.db.models import F
from django.utils.translation import gettext as _

from aiops.jobs.models import Item, Job
from aiops.jobs.schedules.model import JobSchedule
from aiops.ledger.money import dollars

logger = logging.getLogger(__name__)

AT_REST = (Job.Status.PAUSED, Job.Status.STOPPED, Job.Status.FINISHED)


def tell_of_runs() -> int:
    """Tell of jobs of schedules that have come to rest since. Returns of how many."""
    told = 0
    jobs = Job.objects.filter(schedule__isnull=False, status__in=AT_REST).exclude(told_of=F("status"))
    # Whoever wants to be told from now on is not told of all that was before.
    silent = jobs.filter(schedule__tell="").order_by().values("pk")
    Job.objects.filter(pk__in=silent).update(told_of=F("status"))
    for job in jobs.select_related("schedule", "version__prompt")[:100]:
        # Noted before it is told: a tick that comes meanwhile must not tell it again.
        changed = Job.objects.filter(pk=job.pk, status=job.status).exclude(told_of=job.status)
        if changed.update(told_of=job.status) and job.schedule is not None:
            told += _tell_of_run(job, job.schedule)
    return told


def tell_of_refusal(schedule: JobSchedule, because: str) -> None:
    """Tell that a run was not started."""
    _mail(schedule, _("“%(name)s” did not run") % {"name": schedule.name}, because)


def _tell_of_run(job: Job, schedule: JobSchedule) -> bool:
    counts = job.items.count_by_status()
    failed = counts[Item.Status.FAILED]
    if schedule.tell_of == JobSchedule.Tell.TROUBLE and job.status == Job.Status.FINISHED and not failed:
        return False
    words = {
        "name": schedule.name,
        "id": job.pk,
        "job": job,
        "status": job.get_status_display(),
        "succeeded": f"{counts[Item.Status.SUCCEEDED]:,}",
        "failed": f"{failed:,}",
        "total": f"{job.item_count:,}",
        "cost": dollars(job.cost),
    }
    lines = [
        _("Job %(id)s: %(job)s") % words,
        _("It is %(status)s: of %(total)s rows %(succeeded)s succeeded and %(failed)s failed, for %(cost)s.") % words,
        job.reading_sentence,
        job.paused_because,
    ]
    _mail(schedule, _("“%(name)s”: job %(id)s is %(status)s") % words, "\n".join(line for line in lines if line))
    return True


def _mail(schedule: JobSchedule, subject: str, text: str) -> None:
    """A mail that does not leave is logged, and stops nothing."""
    if not schedule.addresses:
        return
    try:
        send_mail(" ".join(subject.split()), text, None, schedule.addresses)
    except Exception:
        logger.exception("“%s” could not be told", subject)
