"""Rows that are tried before the others: which, and what happens once they are done."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.db import transaction
from django.utils import timezone

if TYPE_CHECKING:
    from aiops.jobs.models.job import Job


class Trying:
    """The part of a job that tries some rows first."""

    @property
    def tried_positions(self) -> list[int]:
        """Where the rows are that are tried first: as far from one another as can be, for rows are rarely mixed."""
        job = cast("Job", self)
        return [1 + n * job.item_count // job.try_first for n in range(min(job.try_first, job.item_count))]

    def has_more_to_try(self) -> bool:
        """Whether rows that are tried first are open, and the others have to wait for that."""
        job = cast("Job", self)
        asked = job.items.open().filter(position__in=self.tried_positions, same_as=None)
        return job.trying and asked.exists()

    def pause_tried(self, because: str) -> bool:
        """Pause, since the rows that were to be tried first are done. Returns whether it was trying them until now.

        Whatever stops a job before that, it says what the rest would cost before it goes on with it.
        """
        job = cast("Job", self)
        trying = type(job).objects.running().filter(pk=job.pk, trying=True)
        with transaction.atomic():
            if not trying.update(status=job.Status.PAUSED, paused_because=because, waits_for=None, trying=False):
                return False
            job.notices.announce(job, job.Status.PAUSED, now=timezone.now(), because=because)
        return True
