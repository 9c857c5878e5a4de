"""Writing what came of items: their ends, the log, the money and the job's totals, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F

from aiops.execution.judge import Outcome
from aiops.execution.window import close_window
from aiops.jobs.models import Item, Job
from aiops.rows import update_rows

logger = logging.getLogger(__name__)


def settle(job: Job, outcomes: Sequence[Outcome], *, owner: UUID) -> None:
    """Close calls and end their items. An item that another worker has taken over keeps what that one makes of it."""
    if not outcomes:
        return
    close_window(outcomes)
    ends = {outcome.about_item: _end(outcome) for outcome in outcomes}
    written = update_rows(Item, ends, guard={"owner": owner, "status": Item.Status.CLAIMED})
    if written < len(ends):
        logger.warning("job %s: %d items had been taken over; their calls are logged", job.pk, len(ends) - written)
    used = [outcome.end.completion.usage for outcome in outcomes if outcome.end.completion]
    Job.objects.filter(pk=job.pk).update(
        tokens_in=F("tokens_in") + sum(usage.tokens_in for usage in used if usage),
        tokens_out=F("tokens_out") + sum(usage.tokens_out for usage in used if usage),
        cost=F("cost") + sum(outcome.cost or 0 for outcome in outcomes),
        unknown_costs=F("unknown_costs") + sum(outcome.cost is None for outcome in outcomes),
    )


def count_lost(lost: Mapping[int | None, int]) -> None:
    """Add lost calls to what their jobs do not know the cost of."""
    for job_id, calls in lost.items():
        if job_id is None:
            continue
        Job.objects.filter(pk=job_id).update(unknown_costs=F("unknown_costs") + calls)


def fail(ends: Sequence[tuple[Item, str, str]], *, owner: UUID, now: datetime) -> None:
    """End claimed items that were never asked about, each with a kind of error and a sentence."""
    rows = {
        item.pk: {"status": Item.Status.FAILED, "error_kind": kind, "error_text": text, "ended_at": now}
        for item, kind, text in ends
    }
    update_rows(Item, rows, guard={"owner": owner, "status": Item.Status.CLAIMED})


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
