"""Writing what came of items: their ends, the log, the money and the job's totals, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.db import DataError, IntegrityError
from django.db.models import F

from aiops.calls.models import Call, CallQuerySet
from aiops.durable import durable
from aiops.execution.ask import Ended
from aiops.execution.judge import Outcome, judge, spoiled
from aiops.execution.lost import close_lost
from aiops.execution.reuse import keep_answers
from aiops.execution.window import close_window
from aiops.failpoints import failpoint
from aiops.jobs.counting import count_ends, ended_once_more
from aiops.jobs.duplicates import follow
from aiops.jobs.heartbeat import beat_now_and_then
from aiops.jobs.models import Batch, Item, Job
from aiops.rows import update_rows
from aiops.signals import tell_succeeded

logger = logging.getLogger(__name__)

LOST_AT_ONCE = 500
"""Lost calls of one transaction."""

MOST_LOST = 50_000
"""Of one sweep, which has more to do."""

UNFIT = (DataError, IntegrityError, OverflowError, ValueError)
"""What a database or its driver says to a value that it cannot hold. Trying again does not help."""


def flush(
    job: Job, ended: Sequence[Ended], *, owner: UUID, slots: int | None = None, batch: Batch | None = None
) -> list[Outcome]:
    """Judge what has ended, and write it. Returns what came of each.

    An answer that no database holds ends as an error of its own item: the others are written all the same.

    Args:
        slots: how many calls the job has in flight at a time, where the provider bears no more; None: all it may.
        batch: whose lines they are; None where they were asked one by one.
    """
    outcomes = [_judged(one) for one in ended]
    try:
        with durable():
            settle(job, outcomes, owner=owner, slots=slots, batch=batch)
    except UNFIT:
        logger.exception("job %s: a window of %d could not be written whole", job.pk, len(ended))
        for one, outcome in zip(ended, outcomes, strict=True):
            _flush_alone(job, one, outcome, owner=owner, batch=batch)
    failpoint("settle.committed")
    keep_answers([(one.prepared, outcome) for one, outcome in zip(ended, outcomes, strict=True)])
    return outcomes


def _judged(ended: Ended) -> Outcome:
    try:
        return judge(ended)
    except Exception as error:
        logger.exception("call %s", ended.prepared.call_id)
        return spoiled(ended, error)


def _flush_alone(job: Job, ended: Ended, outcome: Outcome, *, owner: UUID, batch: Batch | None) -> None:
    try:
        with durable():
            settle(job, [outcome], owner=owner, batch=batch)
    except UNFIT as error:
        with durable():
            settle(job, [spoiled(ended, error)], owner=owner, batch=batch)


def settle(
    job: Job, outcomes: Sequence[Outcome], *, owner: UUID, slots: int | None = None, batch: Batch | None = None
) -> None:
    """Close calls and end their items. An item that another worker has taken over keeps what that one makes of it.

    Belongs in a transaction.
    """
    if not outcomes:
        return
    Job.objects.lock(job.pk)
    failpoint("settle.locked")
    closed = close_window(outcomes)
    failpoint("settle.closed")
    # A call that was given up for lost meanwhile has no answer any more: neither has its item, and is asked again.
    ends = {outcome.about_item: _end(outcome) for outcome in outcomes if outcome.call_id in closed}
    written = update_rows(Item, ends, guard={"owner": owner, "status": Item.Status.CLAIMED})
    count_ends(job, [(str(end["status"]), str(end["error_kind"])) for end in ends.values()], written=written)
    failpoint("settle.items")
    tell_succeeded(Item, {one.about_item: one.call_id for one in outcomes if one.succeeded and one.about_item})
    followed = follow(job, [key for key in ends if key is not None])
    if written < len(outcomes):
        logger.warning("job %s: %d items had been taken over; their calls are logged", job.pk, len(outcomes) - written)
    failpoint("settle.followed")
    # A call that was closed before is in the totals already.
    new = [outcome for outcome in outcomes if outcome.call_id in closed]
    cost, unknown = sum(outcome.cost or 0 for outcome in new), sum(outcome.cost is None for outcome in new)
    if batch is not None:
        batch.charge(cost=cost, unknown=unknown)
    used = [outcome.end.completion.usage for outcome in new if outcome.end.completion]
    Job.objects.filter(pk=job.pk).update(
        tokens_in=F("tokens_in") + sum(usage.tokens_in for usage in used if usage),
        tokens_out=F("tokens_out") + sum(usage.tokens_out for usage in used if usage),
        cost=F("cost") + cost,
        unknown_costs=F("unknown_costs") + unknown,
        slots=slots,
        failures_in_a_row=_failures_in_a_row(new),
        ended_lately=F("ended_lately") + len(new),
        failed_lately=F("failed_lately") + sum(not outcome.succeeded for outcome in new),
        ended_ever=F("ended_ever") + written + followed,
        **_last_answer(new),
    )
    failpoint("settle.counted")


def _failures_in_a_row(outcomes: Sequence[Outcome]) -> Any:
    """How many have failed since the last one that succeeded, those before these included where none of these did."""
    last = len(list(takewhile(lambda outcome: not outcome.succeeded, reversed(outcomes))))
    return F("failures_in_a_row") + last if last == len(outcomes) else last


def _last_answer(outcomes: Sequence[Outcome]) -> dict[str, datetime]:
    times = [outcome.end.ended_at for outcome in outcomes if outcome.end.completion]
    return {"answered_at": max(times)} if times else {}


def settle_lost(calls: CallQuerySet, *, now: datetime, **how: Any) -> None:
    """Close calls whose end nobody will ever know, and add them to what their jobs do not know the cost of.

    Belongs in a transaction.

    Args:
        how: what is told of them, as `close_lost` takes it; nothing for those whose process died.
    """
    jobs = calls.open().exclude(job_id=None).order_by().values_list("job_id", flat=True).distinct()
    Job.objects.lock(*(job_id for job_id in jobs if job_id is not None))
    for job_id, count in close_lost(calls, now=now, **how).items():
        if job_id is not None:
            Job.objects.filter(pk=job_id).update(unknown_costs=F("unknown_costs") + count)


def settle_all_lost(calls: CallQuerySet, *, now: datetime) -> None:
    """As `settle_lost`, each few in a transaction of their own: a batch that is given up may have 50,000.

    What cannot be settled keeps nobody from anything else; the next sweep tries again.
    """
    try:
        for _ in range(MOST_LOST // LOST_AT_ONCE):
            keys = list(calls.open().order_by("pk").values_list("pk", flat=True)[:LOST_AT_ONCE])
            if not keys:
                return
            beat_now_and_then()
            with durable():
                settle_lost(Call.objects.filter(pk__in=keys), now=now)
    except Exception:
        logger.exception("calls whose process died")


def fail(job: Job, ends: Sequence[tuple[Item, str, str]], *, owner: UUID, now: datetime) -> None:
    """End claimed items that were never asked about, each with a kind of error and a sentence."""
    rows = {
        item.pk: {"status": Item.Status.FAILED, "error_kind": kind, "error_text": text, "ended_at": now}
        for item, kind, text in ends
    }
    written = update_rows(Item, rows, guard={"owner": owner, "status": Item.Status.CLAIMED})
    count_ends(job, [(Item.Status.FAILED, kind) for _item, kind, _text in ends], written=written)
    ended_once_more(job, written + follow(job, list(rows)))


def _end(outcome: Outcome) -> dict[str, object]:
    return {
        "status": Item.Status.SUCCEEDED if outcome.succeeded else Item.Status.FAILED,
        "call_id": outcome.call_id,
        "data": outcome.data,
        "text": outcome.text if outcome.succeeded else "",
        "error_kind": outcome.error_kind,
        "error_text": outcome.error_text,
        "ended_at": outcome.end.ended_at,
    }
