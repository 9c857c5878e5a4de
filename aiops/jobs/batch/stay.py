"""A worker's stay at a job: one at a time sees to its batches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.utils import timezone

from aiops.execution.trouble import patient
from aiops.jobs.heartbeat import beat_now_and_then
from aiops.jobs.models import Job
from aiops.jobs.staying import arrive, depart
from aiops.jobs.worker import at_work


class Stay:
    """Holds the job by a lease, which is made longer as long as there is work."""

    def __init__(self, job: Job, *, seconds: float) -> None:
        """
        Args:
            seconds: after which nothing more is begun.
        """
        self.job = job
        self.token: UUID = uuid4()
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._begins_until = self._until
        self._leased_until: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be begun."""
        return time.monotonic() >= self._until

    @property
    def may_wait(self) -> bool:
        """Whether something that takes as long as a deadline may be begun: the queue gives a slice one of them."""
        return time.monotonic() < self._begins_until

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The time of somebody else does not count: what took long to come is also dealt with."""
        started = time.monotonic()
        yield
        self._until += time.monotonic() - started

    @patient
    def lasts(self, seconds: float = 0) -> bool:
        """Whether the job is this worker's, for so many seconds at least. Says now and then that it is there."""
        beat_now_and_then()
        now = timezone.now()
        needed = now + timedelta(seconds=seconds) + at_work() / 2
        if self._leased_until is None or self._leased_until < needed:
            until = now + timedelta(seconds=seconds) + at_work()
            if not self._takes(until, now):
                return False
            self._leased_until = until
        return True

    @patient
    def end(self, how: str) -> None:
        """Let the next worker come."""
        depart(self.job, self.token, how)

    def _takes(self, until: datetime, now: datetime) -> bool:
        if self._leased_until is not None:
            return self.job.take(self.token, until=until, now=now, at_rest=True)
        return arrive(self.job, self.token, until=until, seconds=self._seconds, now=now, at_rest=True)
