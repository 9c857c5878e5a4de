"""How far a job is, how quick, and what it will have cost: a few short questions, however many its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count

from aiops.calls.identity import first_id_at
from aiops.calls.models import Call
from aiops.jobs.models import Batch, Ends, Item, Job

WINDOW = timedelta(seconds=30)
"""What the speed of a running job is taken from: long enough to be calm, short enough to notice a pause."""


MOST_BATCHES = 20
"""Batches that are told of: of 50,000 lines each, they are a million rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A job at one moment."""

    job: Job

    counts: dict[str, int]
    """Status of an item → items."""

    errors: tuple[tuple[str, int], ...]
    """Kind of error → items that ended in it, the commonest first."""

    rate: float | None
    """Rows a second, of late; over the whole where the job has ended; None where nothing moves."""

    batches: tuple[Batch, ...]
    """The newest ones, newest first; none of a job that is asked one by one."""

    to_ask: int
    """Items that are still to be asked: those that will have the answer of another are not."""

    @property
    def asked(self) -> int:
        """Items that were asked."""
        return self.total - self.job.duplicates - self.to_ask

    @property
    def total(self) -> int:
        """Items of the job: all, or as many as there are so far while it is planned."""
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """Items at their end, good or bad."""
        return self.total - sum(self.counts[status] for status in Item.OPEN)

    @property
    def percent(self) -> int:
        """Whole percent done; 100 only when nothing is left."""
        return self.done * 100 // self.total if self.total else 0

    @property
    def seconds_left(self) -> float | None:
        """At the present speed; None where there is none, or nothing is left."""
        return self.to_ask / self.rate if self.is_live and self.rate and self.to_ask else None

    @property
    def tokens_in(self) -> int:
        """Of all its calls so far."""
        return self.job.tokens_in

    @property
    def tokens_out(self) -> int:
        """Of all its calls so far."""
        return self.job.tokens_out

    @property
    def cost(self) -> int:
        """Nano-dollars of the calls whose cost is known."""
        return self.job.cost

    @property
    def unknown_costs(self) -> int:
        """Calls whose cost nobody knows, and that `cost` therefore leaves out."""
        return self.job.unknown_costs

    @property
    def cost_at_end(self) -> int | None:
        """Nano-dollars that it will have cost if the rest is like what is done; None where that cannot be said."""
        if self.asked <= 0 or not self.to_ask or self.unknown_costs:
            return None
        return round(self.cost * (self.asked + self.to_ask) / self.asked)

    @property
    def is_live(self) -> bool:
        """Whether it is being worked at, or is about to be."""
        return self.job.status in (Job.Status.PLANNING, Job.Status.RUNNING)

    @property
    def waits_for_batches(self) -> bool:
        """Whether something is still to come of a batch."""
        return any(batch.is_open for batch in self.batches)

    @property
    def is_worth_watching(self) -> bool:
        """Whether it may change without anybody doing anything to it: a budget that has room lets it go on."""
        waits_for_money = self.job.status == Job.Status.PAUSED and self.job.waits_for is not None
        return self.is_live or waits_for_money or self.waits_for_batches

    def as_json(self) -> dict[str, Any]:
        """For commands and scripts: numbers only, money in nano-dollars."""
        return {
            "job": self.job.pk,
            "status": str(self.job.status),
            "counts": self.counts,
            "total": self.total,
            "planned": self.job.planned_at is not None,
            "source_rows": self.job.source_rows,
            "done": self.done,
            "percent": self.percent,
            "rate": self.rate,
            "seconds_left": self.seconds_left,
            "errors": dict(self.errors),
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "cost": self.cost,
            "unknown_costs": self.unknown_costs,
            "cost_at_end": self.cost_at_end,
            "batches": [batch.as_json() for batch in self.batches],
        }


def progress_of(job: Job, now: datetime) -> Progress:
    """How far a job is."""
    ends = list(job.ends.all())
    counts = _counts(job, ends, job.items.filter(status=Item.Status.CLAIMED).count())
    kinds: Counter[str] = Counter()
    for one in ends:
        if one.status == Item.Status.FAILED:
            kinds[one.error_kind] += one.n
    errors = tuple((kind, n) for kind, n in kinds.most_common() if n)
    asked = sum(one.n for one in ends if not one.alike)
    to_ask = max(0, job.item_count - job.duplicates - asked)
    batches = tuple(job.batches.all()[:MOST_BATCHES]) if job.transport == Job.Transport.BATCH else ()
    rate = _rate(job, counts, now)
    return Progress(job=job, counts=counts, errors=errors, rate=rate, batches=batches, to_ask=to_ask)


def _rate(job: Job, counts: dict[str, int], now: datetime) -> float | None:
    done = sum(n for status, n in counts.items() if status not in Item.OPEN)
    if job.started_at is None or not done:
        return None
    if job.status != Job.Status.RUNNING:
        return done / max(0.001, (job.ended_at - job.started_at).total_seconds()) if job.ended_at else None
    if now - job.started_at < WINDOW and job.transport == Job.Transport.LIVE:
        return done / max(0.001, (now - job.started_at).total_seconds())
    if job.is_batched(now):
        # They come all at once, some time within a day: nobody knows how quick.
        return None
    # Calls of late, by their key: items have no index by the time of their end. In a steady run as many begin as end.
    begun = Call.objects.filter(job_id=job.pk, id__gte=first_id_at(now - WINDOW), id__lte=first_id_at(now)).count()
    return begun / WINDOW.total_seconds() or None


def counts_of(jobs: Iterable[Job]) -> dict[int, dict[str, int]]:
    """Job → status → items, in two queries for many jobs.

    What has ended is kept count of, what is under way is little; the rest is to come.
    """
    found = {job.pk: job for job in jobs}
    ends: dict[int, list[Ends]] = {pk: [] for pk in found}
    for one in Ends.objects.filter(job_id__in=found):
        ends[one.job_id].append(one)
    claimed = Item.objects.filter(job_id__in=found, status=Item.Status.CLAIMED).order_by()
    under_way = dict(claimed.values_list("job_id").annotate(n=Count("pk")))
    return {pk: _counts(job, ends[pk], under_way.get(pk, 0)) for pk, job in found.items()}


def _counts(job: Job, ends: Iterable[Ends], claimed: int) -> dict[str, int]:
    counts = dict.fromkeys(Item.Status.values, 0)
    for one in ends:
        counts[one.status] += one.n
    counts[Item.Status.CLAIMED] = claimed
    # Two questions see two moments: none may come to less than nothing.
    counts[Item.Status.PENDING] = max(0, job.item_count - sum(counts.values()))
    return counts
