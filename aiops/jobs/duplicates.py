"""Identical rows of a job: the first is asked, the others have its answer. What is the same is not paid for twice."""

from __future__ import annotations

from collections.abc import Collection
from typing import Self

from django.db.models import Exists, OuterRef, Q, Subquery

from aiops.durable import durable
from aiops.jobs.counting import count_ends, ended_once_more
from aiops.jobs.heartbeat import beat_now_and_then
from aiops.jobs.inputs import Inputs, kept
from aiops.jobs.models import Item, ItemQuerySet, Job
from aiops.signals import tell_succeeded

REMEMBERED = 100_000
"""Different rows that planning keeps in mind, in some 15 MB; one that is like an earlier row is asked again."""

AT_ONCE = 5_000
"""Items that one transaction ends like others: some hundred milliseconds."""

FOLLOWED = ("status", "call_id", "data", "text", "error_kind", "error_text", "ended_at")


class Firsts:
    """Where in a job each row was seen first, while it is planned.

    Of a job it keeps in mind the first `REMEMBERED` rows that differ from one another, and no others: a row like one
    beyond them is asked again. Whoever goes on with the planning of another begins with just these.
    """

    def __init__(self, *, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._seen: dict[bytes, int] = {}
        # Of rows that another process saw first, by as much of their digest as their items keep.
        self._recalled: dict[int, int] = {}
        self._items: ItemQuerySet | None = None
        self.duplicates = 0

    @classmethod
    def of_job(cls, job: Job, *, remembered: int = REMEMBERED) -> Self:
        """What was in mind when the last item of a job was written."""
        firsts = cls(remembered=remembered)
        seen = job.items.filter(same_as=None, inputs__isnull=False).order_by("position")
        firsts._items = job.items.all()
        found = seen.values_list("inputs", "position")[:remembered]
        firsts._recalled = {inputs: position for inputs, position in found if inputs is not None}
        firsts.duplicates = job.duplicates
        return firsts

    def recall(self, digests: Collection[bytes], inputs: Inputs) -> None:
        """See to rows that are about to be asked for by `of`: one question for all that were seen by another process.

        Items keep half of a digest, which may be that of another row; what they hold tells for certain.
        """
        alike = {kept(digest) for digest in digests if digest not in self._seen}.intersection(self._recalled)
        if not alike or self._items is None:
            return
        positions = [self._recalled.pop(one) for one in alike]
        for position, variables in self._items.filter(position__in=positions).values_list("position", "variables"):
            self._seen[inputs.digest(variables)] = position

    def of(self, digest: bytes, position: int) -> int | None:
        """The position of an earlier row of which the version reads the same; None where there is none.

        Args:
            digest: of what it reads of this row, see `Inputs`.
        """
        first = self._seen.get(digest)
        if first is not None:
            self.duplicates += 1
        elif len(self._seen) + len(self._recalled) < self._remembered:
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
            ended = _end_like(job, firsts)
            if not ended:
                return
            ended_once_more(job, ended)


def _first() -> ItemQuerySet:
    return Item.objects.filter(job=OuterRef("job"), position=OuterRef("same_as"))


def _end_like(job: Job, firsts: ItemQuerySet) -> int:
    over = firsts.exclude(status__in=Item.OPEN).values_list("position", "status", "error_kind")
    ends = {position: (status, kind) for position, status, kind in over}
    if not ends:
        return 0
    like = job.items.followers().filter(same_as__in=list(ends))
    keys = dict(like.order_by("same_as").values_list("pk", "same_as")[:AT_ONCE])
    tell_succeeded(Item, dict.fromkeys(keys))
    followed = {name: Subquery(_first().values(name)[:1]) for name in FOLLOWED}
    written = Item.objects.filter(pk__in=keys).update(**followed)
    count_ends(job, [ends[position] for position in keys.values() if position], written=written, alike=True)
    return written
