"""Starting a job: check, plan the items in short transactions or the first of them, ring."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.failpoints import failpoint
from aiops.gateway.reach import ProviderDown, require_reachable
from aiops.jobs.duplicates import Firsts
from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Job, Priority
from aiops.jobs.most_cost import set_most_cost
from aiops.jobs.plan import check
from aiops.jobs.planner import LostJob, Planner, next_chunk
from aiops.jobs.quote.sample import see_that_one_fits
from aiops.jobs.sources import Source, SourceError
from aiops.jobs.unread import unread_of
from aiops.jobs.unread.keeping import drop, keep
from aiops.jobs.unread.unread import Placed
from aiops.jobs.worker import at_work
from aiops.options import options
from prompts.models import PromptVersion

if TYPE_CHECKING:
    from aiops.jobs.schedules.model import JobSchedule

MOST_TRIED = 1_000
"""Rows that are tried first, at most."""

DOOR_SECONDS = 10.0
"""After so long the rest is for workers, however few rows were read: whoever asks waits for it."""


def start_job(
    version: PromptVersion,
    source: Source,
    *,
    user: Any = None,
    connection: str = "",
    model: str = "",
    token: UUID | None = None,
    most_cost: int | None = None,
    most_failures: int | None = None,
    most_failed_percent: int | None = None,
    try_first: int = 0,
    priority: int = Priority.NORMAL,
    schedule: JobSchedule | None = None,
    again_of: Job | None = None,
    batch: bool = False,
    live_from: datetime | None = None,
) -> Job:
    """Run a version over all rows of a source, in the background.

    Args:
        connection: alias; empty for the version's own, else the default.
        model: empty for the version's own, else the connection's.
        user: who starts it.
        most_cost: nano-dollars that it may cost, whatever the budgets have; then it is paused. None: no more than they.
        most_failures: after so many rows that failed one after the other it is paused. None: never.
        most_failed_percent: with a larger share of failed rows, of 20 at least, it is paused. None: never.
        try_first: so many rows from all over the source are asked before the others; then it is paused, and says what
            the others will cost.
        priority: where jobs wait for a worker, the more urgent ones go first; one of `Priority`.
        schedule: by which it is started, where one does.
        again_of: the job of which rows are run again, or that new rows are added to.
        batch: in the provider's batches, at their price and within a day.
        live_from: with `batch`, when what is not answered yet is asked one by one.
        token: what the form that asks for it was given; asked for twice with one token, the second gets the first job.

    Raises:
        JobRefused: with one sentence that says what to do; nothing was made.
    """
    _check_bounds(most_cost, most_failures, most_failed_percent, try_first)
    user_id, now = getattr(user, "pk", None), timezone.now()
    _check_live_from(live_from, batch=batch, now=now)
    checked = check(version, source, connection=connection, model=model, user_id=user_id, batch=batch, now=now)
    see_that_one_fits(version, source)
    try:
        require_reachable(checked.plan.connection)
    except ProviderDown as error:
        raise JobRefused(str(error)) from error
    asked = {
        "connection": checked.plan.connection.alias,
        "model": checked.plan.model,
        "most_failures": most_failures,
        "most_failed_percent": most_failed_percent,
        "try_first": try_first,
        "priority": priority,
        "schedule": schedule,
        "again_of": again_of,
        "transport": Job.Transport.BATCH if batch else Job.Transport.LIVE,
        "live_from": live_from,
        "source_rows": checked.rows,
    }
    job, created = _plan_at_door(version, source, user, token, asked, most_cost=most_cost)
    if not created and job.user_id != user_id:
        raise JobRefused(_("Somebody else was shown this quote: choose again to have one of your own."))
    return job


def _plan_at_door(
    version: PromptVersion,
    source: Source,
    user: Any,
    form: UUID | None,
    asked: Mapping[str, Any],
    *,
    most_cost: int | None,
) -> tuple[Job, bool]:
    """Plan a job here and now; of a large one the beginning, and ring for whoever reads on.

    The job and its first items are one transaction, and so is all of a small one: killed in it, there was none. Rows
    are read outside of it, for others must be able to write meanwhile.

    Raises:
        JobRefused: its rows cannot be read, or there is none; nothing is left of it.
    """
    until, token = time.monotonic() + DOOR_SECONDS, uuid4()
    try:
        unread = unread_of(source)
        # Ended before anything else is written: a source of the shop's own may hold something open while it is read.
        with closing(unread.read(0)) as rows:
            chunk = next_chunk(rows)
            if not chunk.rows:
                raise JobRefused(_("The rows were gone before the job began."))
            reading = {"worker": token, "worker_until": timezone.now() + at_work(), "reading": unread.as_json()}
            with transaction.atomic():
                job, created = _make(version, source, user, form, {**asked, **reading})
                if not created:
                    return job, False
                failpoint("plan.made")
                if most_cost is not None:
                    set_most_cost(job, most_cost)
                planner = Planner(job, token, Firsts())
                planner.write(chunk)
                failpoint("plan.items")
                if chunk.is_last:
                    planner.begin()
                else:
                    keep(job, unread)
                failpoint("plan.begun")
            if not chunk.is_last:
                failpoint("plan.committed")
                _plan_on(planner, rows, until=until, is_all=job.reading is None)
    except SourceError as error:
        raise JobRefused(str(error)) from error
    return job, True


def _plan_on(planner: Planner, rows: Iterator[Placed], *, until: float, is_all: bool) -> None:
    """Write what else is written at the door.

    Args:
        is_all: nobody else can read these rows: all of them are.
    """
    try:
        planner.plan(rows, until=None if is_all else until, most=None if is_all else options().planned_at_once)
    except LostJob:
        # It was stopped or deleted, or another planner has it: they know what to do about it, once nobody is at it.
        planner.job.leave(planner.token)
    except BaseException:
        # Whoever stands at the door is told, and half a job would look like a whole one.
        drop(planner.job, planner.token)
        raise


def _check_bounds(most_cost: int | None, failures: int | None, percent: int | None, try_first: int) -> None:
    if most_cost is not None and most_cost <= 0:
        raise JobRefused(_("What a job may cost is above zero: give more, or leave it out."))
    if failures is not None and failures < 1:
        raise JobRefused(_("A job is paused after one failure at least: give a number above zero, or leave it out."))
    if percent is not None and not 1 <= percent <= 99:
        raise JobRefused(_("A share of failures is 1 to 99 percent: give one of these, or leave it out."))
    if not 0 <= try_first <= MOST_TRIED:
        words = {"most": f"{MOST_TRIED:,}"}
        raise JobRefused(_("At most %(most)s rows are tried first: give fewer, or leave it out.") % words)


def _check_live_from(live_from: datetime | None, *, batch: bool, now: datetime) -> None:
    if live_from is None:
        return
    if not batch:
        raise JobRefused(_("A job that runs live from the start needs no time from which it does: leave it out."))
    if timezone.is_naive(live_from) or live_from <= now:
        raise JobRefused(_("The time from which the rest is asked live must be to come: give a later one."))


def _make(
    version: PromptVersion, source: Source, user: Any, token: UUID | None, asked: Mapping[str, Any]
) -> tuple[Job, bool]:
    fields: dict[str, Any] = {
        **asked,
        "version": version,
        "source": source.as_json(),
        "source_text": source.describe()[:255],
        "row_type": ContentType.objects.get_for_model(source.model) if source.model else None,
        "user": user,
        "created_at": timezone.now(),
    }
    if token is None:
        return Job.objects.create(**fields), True
    return Job.objects.get_or_create(token=token, defaults=fields)
