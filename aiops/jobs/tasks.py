"""What the queue calls. Arguments are ids only."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from aiops.cache.purging import prune
from aiops.cache.uses import flush_uses
from aiops.calls.models import Call
from aiops.execution.trouble import patient
from aiops.failpoints import failpoint
from aiops.files.expiry import expire
from aiops.gateway.connections import usable_connections
from aiops.jobs.batch.filling import LEASE
from aiops.jobs.batch.slice import work_batches
from aiops.jobs.claim import lease
from aiops.jobs.control import resume
from aiops.jobs.doorbell import ring
from aiops.jobs.errors import WrongState
from aiops.jobs.giving_way import work_instead_of
from aiops.jobs.heartbeat import beat
from aiops.jobs.models import Heartbeat, Job, Notice
from aiops.jobs.plan_slice import plan_slice
from aiops.jobs.schedules.due import run_due
from aiops.jobs.schedules.telling import tell_of_runs
from aiops.jobs.settle import settle_all_lost
from aiops.jobs.slice import SliceReport, work_slice
from aiops.jobs.telling import tell_ends
from aiops.ledger.warnings import warn
from aiops.options import options
from aiops.stops.switch import stopped

logger = logging.getLogger(__name__)


def work(job_id: int, rung_at: str = "") -> int:
    """Work at a job for one slice, and ring for the next where items are left. Returns how many items ended.

    Where not all of its items are there yet, it is planned on instead. A job that is gone, or does not run, is no work:
    the message came too late, or twice. Nor is one that has been rung for again since: else each message too many would
    ring for another, as long as the job lasts.

    The message only wakes a worker: where a more urgent job waits, that one is worked at, and this is rung for again.

    Args:
        job_id: which job.
        rung_at: when the bell was rung that is heard now; empty for whoever comes without one.
    """
    _say_alive_patiently()
    job = _with_work(job_id)
    if job is None or (rung_at and job.rung_at != datetime.fromisoformat(rung_at)):
        return 0
    failpoint("work.called")
    job = _most_urgent(job)
    report = _work(job, seconds=options().slice_seconds)
    failpoint("work.sliced")
    flush_uses(now=timezone.now())
    if report.more:
        failpoint("work.ringing")
        ring(job.pk)
    else:
        tell_ends(timezone.now(), job_id=job.pk)
    return report.ended


def _work(job: Job, *, seconds: float) -> SliceReport:
    if job.is_being_read:
        plan_slice(job, seconds=seconds)
        return SliceReport(0, more=False)
    if job.transport != Job.Transport.BATCH:
        return work_slice(job, seconds=seconds)
    if job.is_batched(timezone.now()):
        return work_batches(job, seconds=seconds)
    report = work_batches(job, seconds=seconds / 2)
    if job.status != Job.Status.RUNNING:
        return report
    live = work_slice(job, seconds=seconds / 2)
    return SliceReport(report.ended + live.ended, more=report.more or live.more)


@patient
def _say_alive_patiently() -> None:
    beat()


@patient
def _with_work(job_id: int) -> Job | None:
    return Job.objects.to_work_at().filter(pk=job_id).first()


@patient
def _most_urgent(job: Job) -> Job:
    """The job that is worked at: this one, or a more urgent one that waits, and then this is rung for again."""
    return work_instead_of(job, timezone.now()) or job


def go_on_with_money(now: datetime) -> int:
    """Let jobs go on whose budget was raised, unfrozen or renewed since it stopped them. Returns how many did."""
    gone_on = 0
    if stopped():
        return gone_on
    for job in Job.objects.waiting_for_money().select_related("version"):
        if job.has_money(now):
            # Somebody may have pressed the button, or stopped it, meanwhile.
            with suppress(WrongState):
                resume(job)
                gone_on += 1
    return gone_on


def ring_again() -> int:
    """Ring once more for jobs that wait for a worker: who had taken their messages is dead. Returns how many there are.

    Else they would wait for as long as it takes the sweeper to believe it.
    """
    waiting = Job.objects.left_alone(timezone.now()).exclude(rung_at=None).values_list("pk", flat=True)
    for job_id in waiting:
        with transaction.atomic():
            ring(job_id)
    return len(waiting)


def say_alive() -> None:
    """Nothing else: whoever asked wants to know whether a message is heard."""
    beat()


def sweep() -> int:
    """See to what nobody rang for: each minute, by a schedule. Returns how many jobs were rung for.

    Each step by itself: whatever one of them runs into is logged, and keeps nobody from the others.
    """
    beat()
    now = timezone.now()
    rung: list[int] = []
    # Last what asks others, or reads many rows: that may take its time.
    steps: dict[str, Callable[[], object]] = {
        "forgetting clusters": lambda: Heartbeat.objects.forget_old(now),
        "forgetting notices": lambda: Notice.objects.forget_old(now),
        "closing lost calls": lambda: settle_lost_calls(now),
        "pruning kept answers": lambda: prune(now=now),
        "going on with money": lambda: go_on_with_money(now),
        "ringing": lambda: rung.extend(ring_for_what_is_left(now)),
        "schedules": lambda: run_due(now),
        "telling of schedules": tell_of_runs,
        "telling of jobs": lambda: tell_ends(now),
        "warning of budgets": lambda: warn(now),
        "expiring files": lambda: expire(now),
    }
    trouble: Exception | None = None
    for name, step in steps.items():
        try:
            step()
        except (OperationalError, InterfaceError):
            # The database is out of order: each of the others would wait for it, and the next sweep comes in a minute.
            raise
        except Exception as error:
            logger.exception("the sweep goes on without %s", name)
            trouble = trouble or error
    if trouble is not None:
        raise trouble
    return len(rung)


def settle_lost_calls(now: datetime) -> None:
    """Close the calls whose processes have died."""
    failpoint("sweep.begun")
    usable, _wrong = usable_connections()
    if usable:
        longest = max(lease(connection) for connection in usable.values())
        settle_all_lost(Call.objects.begun_before(now - longest, now - LEASE), now=now)
    failpoint("sweep.lost")


def ring_for_what_is_left(now: datetime) -> list[int]:
    """Ring for jobs that have work and that nobody is on the way to. Returns their primary keys."""
    failpoint("sweep.money")
    rung = []
    for job in Job.objects.left_alone(now):
        is_due = job.has_due_batches(now)
        is_at_rest = job.status not in (Job.Status.PLANNING, Job.Status.RUNNING)
        if not is_due and (is_at_rest or job.finish(now=now) or not job.needs_ring(now)):
            continue
        failpoint("sweep.finding")
        with transaction.atomic():
            ring(job.pk)
        rung.append(job.pk)
    failpoint("sweep.rung")
    return rung
