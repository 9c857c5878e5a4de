"""The rows that were tried first, and what they say of the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.calls.models import Call
from aiops.jobs.models import Item, Job
from aiops.jobs.progress import progress_of
from aiops.jobs.quote.between import Measured, Whole
from aiops.ledger.money import dollars

MOST = 1_000
"""Calls that are looked at."""

FEWEST = 5
"""Of fewer nothing is reckoned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What is left of a job, by what the rows that were tried first came to."""

    tried: int
    failed: int
    spent: int
    """Nano-dollars, without the calls of unknown cost."""

    left: int
    cost: Whole | None
    """Nano-dollars of what is left; None: nobody knows."""

    def sentence(self) -> str:
        """For people: what was tried, and what the rest would cost."""
        tried = ngettext(
            "%(n)s row was tried for %(spent)s, %(failed)s failed.",
            "%(n)s rows were tried for %(spent)s, %(failed)s failed.",
            self.tried,
        ) % {"n": f"{self.tried:,}", "spent": dollars(self.spent), "failed": f"{self.failed:,}"}
        return f"{tried} {self._of_the_rest()}"

    def _of_the_rest(self) -> str:
        words = {"left": f"{self.left:,}"}
        if self.cost is None:
            return _("What the other %(left)s would cost is unknown. Look at the answers, then resume.") % words
        words |= {"low": dollars(self.cost.low), "high": dollars(self.cost.high), "likely": dollars(self.cost.likely)}
        return (
            _(
                "The other %(left)s would cost between %(low)s and %(high)s, likely %(likely)s. "
                "Look at the answers, then resume."
            )
            % words
        )


def rest_of(job: Job, now: datetime) -> Rest:
    """Reckon the rest of a job by its calls so far."""
    progress = progress_of(job, now)
    calls = Call.objects.filter(job_id=job.pk).exclude(status=Call.Status.SENDING).order_by("id")
    costs = list(calls.values_list("cost", flat=True)[:MOST])
    known = [cost for cost in costs if cost is not None]
    certain = len(known) == len(costs) and len(known) >= FEWEST
    asked = job.items.pending().count()
    return Rest(
        tried=progress.done,
        failed=progress.counts[Item.Status.FAILED],
        spent=sum(known),
        left=progress.total - progress.done,
        cost=Measured.of(known).mean_of(asked).within(0, math.inf).total(asked) if certain else None,
    )
