"""Identical rows of a job: the first is asked, the others have its answer. What is the same is not paid for twice."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q, Subquery

from aiops.durable import durable
from aiops.jobs.heartbeat import beat_now_and_then
from aiops.jobs.models import Item, ItemQuerySet, Job
from aiops.signals import tell_succeeded

REMEMBERED = 100_000
"""Different rows that planning keeps in mind, in some 15 MB; one that is like an earlier row is asked again."""

AT_ONCE = 5_000
"""Items that one transaction ends like others: some hundred milliseconds."""

FOLLOWED = ("status", "call_id", "data", "text", "error_kind", "error_text", "ended_at")


class Firsts:
    """Where in a job each row was seen first, while it is planned."""

    def __init__(self, *, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._seen: dict[bytes, int] = {}
        self.duplicates = 0

    def of(self, digest: bytes, position: int) -> int | None:
        """The position of an earlier row of which the version reads the same; None where there is none.

        Args:
            digest: of what it reads of this row, see `Inputs`.
        """
        first = self._seen.get(digest)
        if first is not None:
            self.duplicates += 1
        elif len(self._seen) < self._remembered:
            self._seen[digest] = position
        return first


def follow(job: Job, ended: Collection[int]) -> int:
    """End items that are like some that have ended, as these did, `AT_ONCE` at most. Returns how many.

    Belongs in the transaction that ended them.

    Args:
        ended: primary keys of items.
    """
    if not job.duplicates or not ended:
        return 0
    return _end_like(job, job.items.filter(pk__in=ended))


def follow_rest(job: Job) -> None:
    """End those that are left, in transactions of their own: one for all of a large job would keep others waiting."""
    is_over = ~Q(status__in=Item.OPEN)
    while job.duplicates:
        beat_now_and_then()
        # Found before anything is locked: that may be a walk over all of them.
        left = job.items.followers().filter(Exists(_first().filter(is_over)))
        positions = left.order_by().values_list("same_as", flat=True).distinct()[:AT_ONCE]
        firsts = job.items.filter(position__in=[position for position in positions if position is not None])
        with durable():
            Job.objects.lock(job.pk)
            if not _end_like(job, firsts):
                return


def _first() -> ItemQuerySet:
    return Item.objects.filter(job=OuterRef("job"), position=OuterRef("same_as"))


def _end_like(job: Job, firsts: ItemQuerySet) -> int:
    positions = list(firsts.exclude(status__in=Item.OPEN).values_list("position", flat=True))
    if not positions:
        return 0
    like = job.items.followers().filter(same_as__in=positions)
    keys = list(like.order_by("same_as").values_list("pk", flat=True)[:AT_ONCE])
    tell_succeeded(Item, dict.fromkeys(keys))
    return Item.objects.filter(pk__in=keys).update(**{name: Subquery(_first().values(name)[:1]) for name in FOLLOWED})
