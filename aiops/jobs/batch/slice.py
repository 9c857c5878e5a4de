"""A slice of work at the batches of a job: what is due is looked at, then new ones are made of what is left."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.execution.errors import REFUSALS
from aiops.execution.prepare import Plan, in_batches, make_plan
from aiops.execution.trouble import TROUBLE, patient
from aiops.gateway.reach import ProviderDown, require_reachable
from aiops.jobs.batch.looking import look_at
from aiops.jobs.batch.stay import Stay
from aiops.jobs.batch.submitting import make_batch
from aiops.jobs.claim import MOST_CLAIMS, pick
from aiops.jobs.duplicates import follow_rest
from aiops.jobs.failing import too_much_fails
from aiops.jobs.models import Batch, Job, JobSlice
from aiops.jobs.models.batch import LOOK_EVERY
from aiops.jobs.slice import SliceReport
from aiops.jobs.staying import say_how_it_ended
from aiops.jobs.tried import rest_of
from aiops.jobs.worker import pause
from aiops.stops.switch import stopped

logger = logging.getLogger(__name__)


def work_batches(job: Job, *, seconds: float) -> SliceReport:
    """See to the batches of a job for about so long. What the provider is doing meanwhile, nobody waits for."""
    now = timezone.now()
    try:
        plan = in_batches(make_plan(job.version, connection=job.connection, model=job.model, now=now), now=now)
    except REFUSALS as error:
        # What fitted when the job was started may not any more: a key was taken away, an alias renamed.
        pause(job, error)
        _later(job, now, str(error))
        return SliceReport(0, more=False)
    goes_on = True
    stay = Stay(job, seconds=seconds)
    if not stay.lasts():
        return SliceReport(0, more=False)
    how = JobSlice.End.BROKEN
    try:
        ended = _look_at_all(stay, plan)
        if not stay.is_over and _may_make(job, timezone.now()):
            goes_on = _make(stay, plan)
        how = JobSlice.End.WENT_ON
    finally:
        stay.end(how)
    more = _has_more(job, goes_on=goes_on)
    patient(say_how_it_ended)(job, stay.token, more=more)
    return SliceReport(ended, more=more)


def _look_at_all(stay: Stay, plan: Plan) -> int:
    job, ended = stay.job, 0
    for batch in list(job.batches.due(timezone.now()).select_related("file").order_by("pk")):
        if stay.is_over or not stay.lasts(plan.connection.deadline):
            break
        job.refresh_from_db()
        try:
            ended += look_at(batch, stay, plan, wanted=_is_wanted(job, timezone.now()))
        except TROUBLE:
            raise
        except Exception as error:
            # A full disk, or a fault of ours: it must not keep anybody from the other batches.
            logger.exception("batch %s", batch.pk)
            text = _("This failed inside this program (%(error)s): see the workers' log.")
            batch.look_again(timezone.now() + LOOK_EVERY, error=text % {"error": type(error).__name__})
    job.refresh_from_db()
    return ended


def _is_wanted(job: Job, now: datetime) -> bool:
    """Whether what a batch is still to answer is wanted.

    It is, of a job that is paused for money, or until somebody has mended what keeps it from beginning further rows.
    """
    if stopped() is not None or not job.is_batched(now):
        return False
    if job.status == Job.Status.PAUSED and job.waits_for is None:
        return too_much_fails(job, "") is None
    return job.status in (Job.Status.RUNNING, Job.Status.PAUSED)


def _may_make(job: Job, now: datetime) -> bool:
    """Whether a further batch may be made."""
    if job.status != Job.Status.RUNNING or not job.is_batched(now):
        return False
    if refusal := stopped():
        pause(job, refusal)
        return False
    # As long as one could not leave, the next could not either.
    waits = Q(rest_until__gt=now) | Q(status=Batch.Status.SUBMITTING)
    return not job.batches.filter(waits).exists()


def _make(stay: Stay, plan: Plan) -> bool:
    """Returns whether there may be more to make at once."""
    try:
        require_reachable(plan.connection)
    except ProviderDown:
        # Nobody is waiting: the next tick looks again.
        return False
    most = _most_lines(stay.job, plan)
    while not stay.is_over and pick(stay.job, limit=1, now=timezone.now()):
        if not make_batch(stay, plan, most_lines=most):
            break
    return True


def _most_lines(job: Job, plan: Plan) -> int:
    """Lines of the next batch: half as many where the last one was too many for what may wait with the provider."""
    last = job.batches.order_by("-pk").first()
    if last is not None and last.status == Batch.Status.REFUSED and last.rest_until is not None:
        return max(1, last.line_count // 2)
    return plan.connection.batch_lines


@patient
def _has_more(job: Job, *, goes_on: bool) -> bool:
    """End what can be ended. Returns whether there is anything to do at once.

    Args:
        goes_on: whether further batches may be made.
    """
    now = timezone.now()
    follow_rest(job)
    if not job.finish(now=now) and job.trying and not job.has_more_to_try():
        job.pause_tried(rest_of(job, now).sentence())
    job.refresh_from_db()
    if not job.is_batched(now):
        # A try in a batch is none of those after which a row is said to kill its workers. One that does stays claimed.
        job.items.pending().filter(claims__gte=MOST_CLAIMS).update(claims=0)
    if job.batches.due(now).exists():
        return True
    return goes_on and _may_make(job, now) and bool(pick(job, limit=1, now=now))


@patient
def _later(job: Job, now: datetime, error: str) -> None:
    job.batches.due(now).update(look_at=now + LOOK_EVERY, error=error)
