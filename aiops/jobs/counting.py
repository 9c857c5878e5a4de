"""Keeping count of the ends of items. Everything here belongs in a transaction that has locked the job before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count, F, Q

from aiops.failpoints import failpoint
from aiops.jobs.models import Ends, Item, Job
from aiops.rows import add_rows, insert_rows


def count_ends(job: Job, ends: Iterable[tuple[str, str]], *, written: int, alike: bool = False) -> None:
    """Add items that have just ended.

    Args:
        ends: status and kind of error of each that was meant to.
        written: how many did. Where some were another's by then, nobody knows which: all are counted anew.
        alike: whether they have the answer of an earlier row.
    """
    counted = Counter(ends)
    if written != counted.total():
        recount(job)
        return
    keys = {"job_id": job.pk, "alike": alike}
    add_rows(
        Ends,
        [{**keys, "status": status, "error_kind": kind, "n": n} for (status, kind), n in sorted(counted.items())],
        unique=("job_id", "status", "error_kind", "alike"),
    )
    failpoint("ends.counted")


def recount(job: Job) -> None:
    """Count all items of a job anew: as slow as it is large, for what changes many of them at once."""
    Ends.objects.filter(job=job).delete()
    insert_rows(Ends, counted_of(job))


def counted_of(job: Job) -> list[dict[str, object]]:
    """What `Ends` must say of a job."""
    ended = job.items.exclude(status__in=Item.OPEN).order_by()
    found = ended.values("job_id", "status", "error_kind", alike=Q(same_as__isnull=False)).annotate(n=Count("pk"))
    return [dict(row) for row in found]


def ended_once_more(job: Job, n: int) -> None:
    """So many items have ended, whatever becomes of them later."""
    if n:
        Job.objects.filter(pk=job.pk).update(ended_ever=F("ended_ever") + n)
