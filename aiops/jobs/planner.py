"""Planning: rows become items, a chunk a transaction, which also writes how far the job is read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from aiops.execution.trouble import patient
from aiops.failpoints import failpoint
from aiops.jobs.doorbell import ring
from aiops.jobs.duplicates import Firsts
from aiops.jobs.inputs import Inputs, kept
from aiops.jobs.models import Item, Job, JobSlice, UnreadPart
from aiops.jobs.sources import SourceRow
from aiops.jobs.unread.unread import Placed
from aiops.jobs.worker import at_work
from aiops.options import options
from aiops.rows import insert_rows

CHUNK = 1_000
"""Items a transaction, at most: a longer one would keep SQLite's other writers waiting."""


class LostJob(Exception):
    """The job is stopped or gone, or another planner has it: this one writes nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Rows that become items together."""

    rows: list[SourceRow]
    read_to: int
    """The place of the last of them."""

    is_last: bool
    """Nothing is behind them."""


class Planner:
    """Has the job, by its token, while it reads its rows: whoever has lost it writes nothing."""

    def __init__(self, job: Job, token: UUID, firsts: Firsts) -> None:
        """Take a job that `token` has.

        Args:
            firsts: where its rows so far were seen first.
        """
        self.job = job
        self.token = token
        self._firsts = firsts
        self._inputs = Inputs(job.version)
        self._renew_at = time.monotonic() + at_work().total_seconds() / 2

    def plan(self, rows: Iterator[Placed], *, until: float | None, most: int | None) -> bool:
        """Write items until all are there, and let workers begin; or hand the rest over. Returns whether all are there.

        Args:
            until: of `time.monotonic()`, when the rest is handed over; None: never.
            most: so many items, and the rest is handed over; None: however many there are.

        Raises:
            LostJob: nothing was written since.
            SourceError: a row cannot be read; what was read before it is not lost.
        """
        while most is None or self.job.item_count < most:
            chunk = next_chunk(self._staying(rows), until=until)
            failpoint("planning.read")
            self.write(chunk)
            failpoint("planning.written")
            if chunk.is_last:
                self.begin()
                return True
            # Afterwards: whoever needs the whole of its time to begin would never come anywhere.
            if until is not None and time.monotonic() >= until:
                break
        self._hand_over()
        return False

    def write(self, chunk: Chunk) -> None:
        """Make items of rows, and say how far the job is by that.

        Raises:
            LostJob: nothing was written.
        """
        if not chunk.rows:
            return
        digests = [self._inputs.digest(row.variables) for row in chunk.rows]
        self._firsts.recall(digests, self._inputs)
        numbered = enumerate(zip(chunk.rows, digests, strict=True), start=self.job.item_count + 1)
        items = [
            {
                "job_id": self.job.pk,
                "position": position,
                "row_key": row.key or "",
                "variables": dict(row.variables),
                "inputs": kept(digest),
                "same_as": self._firsts.of(digest, position),
            }
            for position, (row, digest) in numbered
        ]
        so_far = {
            "item_count": self.job.item_count + len(items),
            "duplicates": self._firsts.duplicates,
            "read_to": chunk.read_to,
        }
        self._put(items, so_far)
        for name, value in so_far.items():
            setattr(self.job, name, value)

    @patient
    def _put(self, items: Sequence[Mapping[str, object]], so_far: dict[str, int]) -> None:
        with transaction.atomic():
            if self._read_to() == so_far["read_to"]:
                # It was committed by a try whose connection broke before it heard of that.
                return
            insert_rows(Item, items)
            failpoint("planning.writing")
            Job.objects.filter(pk=self.job.pk).update(**so_far)

    @patient
    def begin(self) -> None:
        """All items are there: let workers begin.

        Raises:
            LostJob: it is for somebody else to do.
        """
        with transaction.atomic():
            self._read_to()
            self._leave_and_ring()
            self.job.begin(now=timezone.now())
            UnreadPart.objects.filter(job=self.job).delete()
            failpoint("planning.begun")

    @patient
    def _hand_over(self) -> None:
        with transaction.atomic():
            self._read_to()
            self._leave_and_ring()
            self.job.refresh_from_db()
            failpoint("planning.left")

    def _leave_and_ring(self) -> None:
        # As one: whoever hears the bell takes a slice that is open for one whose worker has died.
        self.job.leave(self.token)
        JobSlice.objects.end(self.token, JobSlice.End.WENT_ON, timezone.now())
        ring(self.job.pk)

    def _read_to(self) -> int:
        """How far the job is read, which nobody else changes until the transaction ends."""
        Job.objects.lock(self.job.pk)
        mine = Job.objects.planning().filter(pk=self.job.pk, worker=self.token)
        found = mine.values_list("read_to", flat=True).first()
        if found is None:
            raise LostJob
        return found

    def _staying(self, rows: Iterator[Placed]) -> Iterator[Placed]:
        """The rows, while it is said now and then that somebody is at the job: a source may be slow."""
        for row in rows:
            if time.monotonic() >= self._renew_at:
                self._stay()
            yield row

    @patient
    def _stay(self) -> None:
        now = timezone.now()
        if not self.job.take(self.token, until=now + at_work(), now=now, planning=True):
            raise LostJob
        self._renew_at = time.monotonic() + at_work().total_seconds() / 2


def next_chunk(rows: Iterator[Placed], *, until: float | None = None) -> Chunk:
    """Read rows for one transaction: `CHUNK` at most, or as many as there are until it is time.

    Args:
        until: of `time.monotonic()`.
    """
    read: list[SourceRow] = []
    read_to, most = 0, min(CHUNK, options().planned_at_once)
    for read_to, row in rows:
        read.append(row)
        if len(read) >= most or (until is not None and time.monotonic() >= until):
            return Chunk(rows=read, read_to=read_to, is_last=False)
    return Chunk(rows=read, read_to=read_to, is_last=True)
