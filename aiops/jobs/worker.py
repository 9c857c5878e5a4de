"""One worker at one job: windows of calls, topped up and flushed a few times a second until its slice is over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import tenacity
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.calls.models import Call
from aiops.execution.errors import REFUSALS
from aiops.execution.judge import judge
from aiops.execution.lost import close_lost
from aiops.execution.prepare import About, Plan, Prepared, make_plan, prepare
from aiops.execution.window import durable, hold_again, open_window, withdraw_window
from aiops.gateway.reach import ProviderDown, require_reachable
from aiops.gateway.retry import RetryPolicy
from aiops.jobs.claim import MOST_CLAIMS, claim, give_back, pick
from aiops.jobs.errors import WrongState
from aiops.jobs.flight import Flight
from aiops.jobs.models import Item, Job
from aiops.jobs.settle import count_lost, fail, settle

TICK = 0.3
"""Seconds between two windows."""

SPARE = 2.0
"""Calls that are held ready beyond the slots, as a share of those that ended since the last window.

They bridge the time between windows. Never more than there are slots: a kill may not cost more than a window.
"""

MARGIN = timedelta(seconds=60)
"""How long a lease outlasts the deadline of its call."""

AT_WORK = timedelta(seconds=60)
"""How long a job waits for a worker that has stopped saying that it is there."""


@dataclass(frozen=True, slots=True)
class SliceReport:
    """What a worker leaves behind at the end of its slice."""

    ended: int
    """Items that came to their end in it."""

    more: bool
    """Whether there are items that could be claimed right now."""


def work_slice(job: Job, *, seconds: float) -> SliceReport:
    """Work at a job for about so long; then for what is in flight to end."""
    try:
        plan = make_plan(job.version, connection=job.connection, model=job.model, now=timezone.now())
        _find_provider(plan, patience=seconds / 2)
    except REFUSALS as error:
        # What fitted when the job was started may not any more: a key was taken away, an alias renamed.
        _pause(job, str(error))
        return SliceReport(0, more=False)
    token, now = uuid4(), timezone.now()
    if not job.take(token, until=now + AT_WORK, now=now):
        return SliceReport(0, more=False)
    worker = Worker(job, plan, token, stays_until=now + AT_WORK)
    until = time.monotonic() + seconds
    try:
        while worker.work_window(timezone.now(), claiming=time.monotonic() < until):
            pass
    finally:
        worker.flight.close()
        job.leave(token)
    job.finish(now=timezone.now())
    more = Job.objects.running().filter(pk=job.pk).exists() and bool(pick(job, limit=1, now=timezone.now()))
    return SliceReport(worker.ended, more=more)


def _find_provider(plan: Plan, *, patience: float) -> None:
    """See that somebody answers, else each row would fail in turn. A moment's silence is no reason to wake a person.

    Raises:
        ProviderDown: nobody did, for so many seconds.
    """
    door = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(ProviderDown),
        wait=tenacity.wait_random_exponential(multiplier=0.5, max=5),
        stop=tenacity.stop_after_delay(patience),
        reraise=True,
    )
    door(require_reachable, plan.connection)


class Worker:
    """Owns the job while it works at it, and the items that it claims, by its token, until their leases end."""

    def __init__(self, job: Job, plan: Plan, token: UUID, *, stays_until: datetime) -> None:
        self.job = job
        self.plan = plan
        self.token = token
        self.ended = 0
        self.slots = plan.connection.max_in_flight
        self.spare = max(1, self.slots // 4)
        self.lease = timedelta(seconds=plan.connection.deadline) + MARGIN
        self.stays_until = stays_until
        self.flight = Flight(self.slots, RetryPolicy(deadline=plan.connection.deadline))

    def may_go_on(self, now: datetime) -> bool:
        """Whether it may begin items: the job runs, and nobody else is at it. Says now and then that it is there."""
        if now < self.stays_until - AT_WORK / 2:
            return Job.objects.running().filter(pk=self.job.pk, worker=self.token).exists()
        if not self.job.take(self.token, until=now + AT_WORK, now=now):
            return False
        self.stays_until = now + AT_WORK
        return True

    def work_window(self, now: datetime, *, claiming: bool) -> bool:
        """Flush what has ended and top up the requests in flight. Returns whether there was, or still is, anything."""
        ended, reholds = self.flight.collect(TICK) if self.flight.size else ([], [])
        outcomes = [judge(one) for one in ended]
        if outcomes:
            with durable():
                settle(self.job, outcomes, owner=self.token)
            self.ended += len(outcomes)
            self.spare = max(1, min(self.slots, round(SPARE * len(outcomes))))
        for rehold in reholds:
            with durable():
                refusal = hold_again(rehold.prepared, ended=rehold.ended, attempt=rehold.attempt, now=now)
            self.flight.answer(rehold, refusal)
        begun = 0
        if self.may_go_on(now) and claiming:
            begun = self._top_up(self.slots + self.spare - self.flight.size, now)
        else:
            self._withdraw(now)
        return bool(self.flight.size or begun)

    def _top_up(self, limit: int, now: datetime) -> int:
        """Claim, record and hold for up to `limit` items, and let them leave. Returns how many were dealt with."""
        picked = pick(self.job, limit=limit, now=now) if limit > 0 else []
        if not picked:
            return 0
        ready, broken = self._prepare(picked)
        with durable():
            taken = claim(picked, owner=self.token, until=now + self.lease, now=now)
            self._close_lost(taken, now)
            ours = {item.pk for item in taken}
            fail([one for one in broken if one[0].pk in ours], owner=self.token, now=now)
            window = [one for one in ready if one.about.item_id in ours]
            opened = open_window(window, now=now)
            give_back([one.about.item_id for one in window[opened.count :]], owner=self.token)
        self.flight.start(window[: opened.count])
        if opened.refusal:
            _pause(self.job, str(opened.refusal))
        return 0 if opened.refusal else len(taken)

    def _withdraw(self, now: datetime) -> None:
        """What has not left does not leave any more: somebody stopped the job, or the slice is over."""
        withdrawn = self.flight.withdraw()
        if withdrawn:
            with durable():
                withdraw_window(withdrawn, now=now)
                give_back([one.about.item_id for one in withdrawn], owner=self.token)

    def _prepare(self, items: Sequence[Item]) -> tuple[list[Prepared], list[tuple[Item, str, str]]]:
        """Render items; those that cannot be are named with their kind of error and a sentence."""
        ready, broken = [], []
        for item in items:
            if item.claims >= MOST_CLAIMS:
                text = _("The item was tried %d times and its worker ended each time; it is not tried again.")
                broken.append((item, "quarantined", text % item.claims))
                continue
            try:
                ready.append(prepare(self.plan, item.variables, self._about(item)))
            except REFUSALS as error:
                broken.append((item, getattr(error, "kind", "prompt"), str(error)))
        return ready, broken

    def _about(self, item: Item) -> About:
        return About(
            user_id=self.job.user_id,
            job_id=self.job.pk,
            item_id=item.pk,
            row_type_id=self.job.row_type_id,
            row_key=item.row_key,
        )

    def _close_lost(self, taken: Sequence[Item], now: datetime) -> None:
        """What a dead worker had in flight for these items."""
        again = [item.pk for item in taken if item.claims]
        if again:
            count_lost(close_lost(Call.objects.filter(item_id__in=again), now=now))


def _pause(job: Job, because: str) -> None:
    try:
        job.pause(because)
    except WrongState:
        # It was stopped, or another worker paused it: either way nothing more is begun.
        return
