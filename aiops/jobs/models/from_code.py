"""What the shop's code asks a job for: to wait for its end, and what came of its rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from aiops.durable import InTransaction

if TYPE_CHECKING:
    from aiops.jobs.models.job import Job

CHUNK = 1_000
"""Items a query: neither memory nor a read transaction grows with the job."""

LOOK_EVERY = 0.5
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one row."""

    position: int
    """Its place in the source, from 1."""

    key: str | None
    """Primary key of the row as text; None for a row of a file."""

    succeeded: bool
    status: str
    """`succeeded` or `failed`; `pending` or `claimed` while the job goes on."""

    data: Any
    """The answer, where the version has a schema."""

    text: str
    """The answer, where it has none."""

    error_kind: str
    error: str
    call_id: UUID | None
    """The call that answered it; that of another row where the two are alike."""


class FromCode:
    """Of a job."""

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until nothing more happens by itself: the job is finished, stopped, or paused until somebody has looked.

        The work itself is done by workers (`manage.py qcluster`). Never wait inside a task of the same cluster: it may
        be the worker that is waited for.

        Args:
            timeout: seconds; None waits for as long as it takes.

        Returns:
            The job as it is then.

        Raises:
            TimeoutError: it still goes on; the job itself does not care.
            InTransaction: no worker sees a job before the transaction around it has committed.
        """
        if connection.in_atomic_block:
            raise StillOpen
        until = None if timeout is None else time.monotonic() + timeout
        job = cast("Job", self)
        while True:
            job.refresh_from_db()
            if not _goes_on(job):
                return self
            if until is not None and time.monotonic() >= until:
                words = {"id": job.pk, "seconds": f"{timeout:g}"}
                raise TimeoutError(_("Job %(id)s still goes on after %(seconds)s seconds.") % words)
            time.sleep(LOOK_EVERY)

    def results(self, *, succeeded: bool | None = None) -> Iterator[Result]:
        """What came of the rows, in their order, a thousand at a time from the database.

        Args:
            succeeded: only those that did, or only those that did not; None for all.
        """
        job = cast("Job", self)
        items = job.items.defer("variables")
        if succeeded is not None:
            items = items.filter(status="succeeded" if succeeded else "failed")
        after = 0
        while some := list(items.filter(position__gt=after).order_by("position")[:CHUNK]):
            for item in some:
                yield Result(
                    position=item.position,
                    key=item.row_key or None,
                    succeeded=item.status == item.Status.SUCCEEDED,
                    status=str(item.status),
                    data=item.data,
                    text=item.text,
                    error_kind=item.error_kind,
                    error=item.error_text,
                    call_id=item.call_id,
                )
            if len(some) < CHUNK:
                return
            after = some[-1].position


def _goes_on(job: Job) -> bool:
    """Whether something more will happen by itself."""
    if job.status in (job.Status.PLANNING, job.Status.RUNNING):
        return True
    # With room in its budget it goes on; and a batch that was cancelled has answers still.
    waits_for_money = job.status == job.Status.PAUSED and job.waits_for is not None
    return waits_for_money or job.batches.open().exists()


class StillOpen(InTransaction):
    def __init__(self) -> None:
        Exception.__init__(
            self,
            _("A job cannot be waited for inside a transaction, which keeps it from the workers: wait after `atomic`."),
        )
