"""Starting a job: check, plan the items in short transactions, ring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.failpoints import failpoint
from aiops.gateway.reach import ProviderDown, require_reachable
from aiops.jobs.doorbell import ring
from aiops.jobs.duplicates import Firsts
from aiops.jobs.errors import JobRefused
from aiops.jobs.inputs import Inputs, kept
from aiops.jobs.models import Item, Job, Priority
from aiops.jobs.most_cost import set_most_cost
from aiops.jobs.plan import check
from aiops.jobs.quote.sample import see_that_one_fits
from aiops.jobs.sources import Source, SourceError, SourceRow
from aiops.rows import insert_rows
from prompts.models import PromptVersion

if TYPE_CHECKING:
    from aiops.jobs.schedules.model import JobSchedule

MOST_TRIED = 1_000
"""Rows that are tried first, at most."""

CHUNK = 1_000
"""Items a transaction: a longer one would keep SQLite's other writers waiting."""


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
    }
    job, created = _make(version, source, user, token, asked)
    if not created:
        if job.user_id != getattr(user, "pk", None):
            raise JobRefused(_("Somebody else was shown this quote: choose again to have one of your own."))
        return job
    failpoint("plan.made")
    try:
        # Ended before anything else is written: a source of the shop's own may hold something open while it is read.
        with closing(source.rows()) as rows:
            firsts = Firsts()
            job.item_count = _add_items(job, rows, Inputs(version), firsts)
            job.duplicates = firsts.duplicates
            failpoint("plan.items")
        if not job.item_count:
            raise JobRefused(_("The rows were gone before the job began."))
        with transaction.atomic():
            if most_cost is not None:
                set_most_cost(job, most_cost)
            job.begin(now=timezone.now())
            failpoint("plan.begun")
            ring(job.pk)
            failpoint("plan.rung")
    except BaseException as error:
        # Half a job would look like a whole one.
        job.delete()
        if isinstance(error, SourceError):
            raise JobRefused(str(error)) from error
        raise
    return job


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


def _add_items(job: Job, rows: Iterator[SourceRow], inputs: Inputs, firsts: Firsts) -> int:
    """Write an item for each row. Returns how many."""
    total = 0
    while chunk := list(islice(rows, CHUNK)):
        items = []
        for position, row in enumerate(chunk, start=total + 1):
            digest = inputs.digest(row.variables)
            items.append(
                {
                    "job_id": job.pk,
                    "position": position,
                    "row_key": row.key or "",
                    "variables": dict(row.variables),
                    "inputs": kept(digest),
                    "same_as": firsts.of(digest, position),
                }
            )
        insert_rows(Item, items)
        total += len(chunk)
    return total
