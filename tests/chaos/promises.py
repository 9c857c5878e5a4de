"""When all is over: what must be true of rows, calls, money and the provider's own count, whoever died on the way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils import timezone

from aiops.calls.models import Call
from aiops.calls.rebuild import rebuild
from aiops.jobs.counting import counted_of
from aiops.jobs.models import Item, Job
from aiops.ledger.models import Hold
from aiops.ledger.rebuild import differences

INTERRUPTED = "interrupted"
"""Whose worker stood still until the answer was too late, and woke before anybody had taken the item over."""


def broken(sent: Counter[str], texts: dict[str, int]) -> Iterator[str]:
    """A sentence for each promise that was not kept.

    Args:
        sent: text of a row → how often the provider was asked about it.
        texts: text of a row → the primary key of its row.
    """
    jobs = list(Job.objects.all())
    yield from _of_rows(jobs)
    yield from _of_calls(sent, texts)
    yield from _of_sums(jobs)
    yield from _of_money()


def _of_rows(jobs: Collection[Job]) -> Iterator[str]:
    for job in jobs:
        if job.status != Job.Status.FINISHED:
            yield f"job {job.pk} is {job.status} ({job.paused_because})"
        states = Counter(job.items.values_list("status", flat=True))
        if job.items.count() != job.item_count:
            yield f"job {job.pk} has {job.items.count()} items of {job.item_count}"
        kept = {(one.status, one.error_kind, one.alike): one.n for one in job.ends.all() if one.n}
        true = {(one["status"], one["error_kind"], one["alike"]): one["n"] for one in counted_of(job)}
        if kept != true:
            yield f"job {job.pk} has counted {kept} of {true}"
        rows = job.items.values("row_key").distinct().count()
        if not job.item_count == job.source_rows == rows:
            yield f"job {job.pk} has {job.item_count} items of {rows} rows, and was asked for {job.source_rows}"
        if states["pending"] or states["claimed"]:
            yield f"job {job.pk} has open items: {dict(states)}"
    answered = Item.objects.filter(status=Item.Status.SUCCEEDED)
    calls = dict(Call.objects.filter(pk__in=answered.values("call_id")).values_list("pk", "status"))
    for item in answered.values("pk", "call_id", "text"):
        if calls.get(item["call_id"]) != Call.Status.SUCCEEDED:
            yield f"item {item['pk']} has the answer of call {item['call_id']}, which is {calls.get(item['call_id'])}"
    odd = Item.objects.filter(status=Item.Status.FAILED).exclude(error_kind__in=("quarantined", INTERRUPTED))
    for item in odd.values_list("pk", "error_kind", "error_text"):
        yield f"item {item} failed of something else than deaths"


def _of_calls(sent: Counter[str], texts: dict[str, int]) -> Iterator[str]:
    if open_calls := Call.objects.open().count():
        yield f"{open_calls} calls are open"
    logged: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for key, status, attempts, error in Call.objects.values_list("row_key", "status", "attempt_count", "error_kind"):
        logged[key]["sent"] += attempts
        logged[key]["unsure"] += status == Call.Status.UNKNOWN or error == INTERRUPTED
    for text, key in texts.items():
        here = logged[str(key)]
        if sent[text] > here["sent"]:
            yield f"row {key} was sent {sent[text]} times, and the log knows of {here['sent']}"
        # One that nobody knows the end of, or that was too late, may never have left; every other one was there.
        if sent[text] < here["sent"] - here["unsure"]:
            yield f"row {key} was sent {sent[text]} times, and the log says {here['sent']}"


def _of_sums(jobs: Collection[Job]) -> Iterator[str]:
    for job in jobs:
        found = Call.objects.filter(job_id=job.pk).aggregate(
            spent=Sum("cost", default=0), unknown=Count("pk", filter=Q(cost=None)), out=Sum("output_tokens", default=0)
        )
        told = {"spent": job.cost, "unknown": job.unknown_costs, "out": job.tokens_out}
        if found != told:
            yield f"job {job.pk} says {told}, its calls say {found}"
    wrong = rebuild(check=True).wrong
    if wrong:
        yield f"spend is wrong: {wrong}"


def _of_money() -> Iterator[str]:
    if held := Hold.objects.filter(state=Hold.State.HELD).count():
        yield f"{held} holds are open"
    for difference in differences():
        yield f"a budget is wrong: {difference}"


def twice() -> int:
    """Calls more than one for a row: each was under way when its worker died, or stood still."""
    rows = Call.objects.exclude(item_id=None).values("item_id").annotate(n=Count("pk")).filter(n__gt=1)
    return sum(row["n"] - 1 for row in rows)


def too_late() -> int:
    """Rows that failed since their worker stood still."""
    return Item.objects.filter(status=Item.Status.FAILED, error_kind=INTERRUPTED).count()


def left() -> dict[str, Any]:
    """What is still to be done, for whoever waits."""
    open_jobs = Job.objects.under_way()
    return {
        "jobs": open_jobs.count(),
        "calls": Call.objects.open().count(),
        "items": Item.objects.open().filter(job__in=open_jobs).count(),
        "now": timezone.now().isoformat(timespec="seconds"),
    }
