"""What is written of calls that were under way when their job was stopped now: each as far as anybody knows its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from aiops.calls.models import Call
from aiops.execution.given_up import close_between
from aiops.execution.judge import attempts_of
from aiops.execution.lost import ABANDONED
from aiops.execution.window import withdraw_window
from aiops.jobs.claim import give_back
from aiops.jobs.flight import GivenUp
from aiops.jobs.models import Job
from aiops.jobs.settle import settle_lost


def write_given_up(job: Job, given_up: Sequence[GivenUp], *, owner: UUID, now: datetime) -> None:
    """Close them, charge those that may have been answered at their holds, and let their items be asked again.

    What never left costs nothing and leaves no row. Belongs in a transaction; a replay changes nothing.
    """
    Job.objects.lock(job.pk)
    withdraw_window([one.prepared for one in given_up if not one.has_left], now=now)
    between = close_between([one.ended for one in given_up if one.ended is not None], now=now)
    Job.objects.filter(pk=job.pk).update(
        cost=F("cost") + sum(outcome.cost or 0 for outcome in between),
        unknown_costs=F("unknown_costs") + sum(outcome.cost is None for outcome in between),
        **_tokens([outcome.end.completion for outcome in between]),
    )
    # Nearly all were sent once: those that were are closed together.
    alike: defaultdict[tuple[int, int], list[GivenUp]] = defaultdict(list)
    for number, one in enumerate(given_up):
        if one.has_left and one.ended is None:
            alike[(one.attempts, number if one.failures or one.prepared.skipped else -1)].append(one)
    for (attempts, _number), calls in alike.items():
        settle_lost(
            Call.objects.filter(pk__in=[one.prepared.call_id for one in calls]),
            kind=ABANDONED,
            text=_("The job was stopped now, before the answer came; it may have been billed."),
            attempts=attempts_of(calls[0].prepared, calls[0].failures),
            attempt_count=max(1, attempts),
            now=now,
        )
    give_back([one.prepared.about.item_id for one in given_up], owner=owner)


def _tokens(completions: Sequence[Any]) -> dict[str, Any]:
    """Of answers that came, and were no use."""
    used = [completion.usage for completion in completions if completion and completion.usage]
    return {
        "tokens_in": F("tokens_in") + sum(usage.tokens_in for usage in used),
        "tokens_out": F("tokens_out") + sum(usage.tokens_out for usage in used),
    }
