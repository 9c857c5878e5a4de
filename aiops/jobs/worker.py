"""One worker at one job: windows of calls, topped up and flushed a few times a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils.translation import gettext as _

from aiops.calls.models import Call
from aiops.durable import durable
from aiops.execution.ask import Ended
from aiops.execution.chain import unless_cooling
from aiops.execution.leave import most_under_way
from aiops.execution.prepare import Plan, Prepared
from aiops.execution.reuse import ended_by, with_answers
from aiops.execution.trouble import PATIENCE, PAUSE, TROUBLE
from aiops.execution.window import hold_again, open_reused, open_window, withdraw_window
from aiops.failpoints import failpoint
from aiops.gateway.retry import RetryPolicy
from aiops.jobs.claim import MOST_CLAIMS, claim, give_back, lease, pick
from aiops.jobs.errors import WrongState
from aiops.jobs.failing import too_much_fails
from aiops.jobs.flight import Flight, GivenUp, Rehold
from aiops.jobs.giving_up import write_given_up
from aiops.jobs.heartbeat import beat_now_and_then
from aiops.jobs.models import Item, Job
from aiops.jobs.preparing import Broken, prepared
from aiops.jobs.settle import fail, flush, settle_lost
from aiops.ledger.errors import BudgetRefused
from aiops.options import options
from aiops.stops.switch import stopped

logger = logging.getLogger(__name__)

TICK = 0.3
"""Seconds between two windows."""

SPARE = 2.0
"""Calls that are held ready beyond the slots, as a share of those that ended since the last window.

They bridge the time between windows. Never more than there are slots: a kill may not cost more than a window.
"""


SEEN = ("status", "worker", "stopped_now", "user_id", "row_type_id")
"""What a worker looks at between two windows."""


class Worker:
    """Owns the job while it works at it, and the items that it claims, by its token, until their leases end."""

    def __init__(self, job: Job, plan: Plan, token: UUID, *, stays_until: datetime) -> None:
        self.job = job
        self.plan = plan
        self.token = token
        self.ended = 0
        self.slots = most_under_way(plan, plan.connection.max_in_flight)
        self.spare = max(1, self.slots // 4)
        self.most = self.slots + self.spare
        """Calls that the money was enough for, of late."""
        self.stays_until = stays_until
        self.flight = Flight(self.slots, RetryPolicy(deadline=plan.connection.deadline))
        # What is to be written, and is kept until it is: the answers are paid for.
        self.unwritten: list[Ended] = []
        self.asking: list[Rehold] = []
        self.withdrawn: list[Prepared] = []
        self.given_up: list[GivenUp] = []
        self.stopped_now = False
        self.told_slots = self.slots
        self.troubled_since: float | None = None

    def work_window(self, now: datetime, *, claiming: bool) -> bool:
        """Flush what has ended and top up the requests in flight. Returns whether there was, or still is, anything.

        Raises:
            DatabaseError: the database has been out of order for longer than `PATIENCE`.
        """
        if self.flight.size:
            ended, reholds = self.flight.collect(TICK)
            self.unwritten += ended
            self._tell_of_slots()
            self.asking += reholds
        begun = 0
        try:
            beat_now_and_then()
            self._write(now)
            if self.may_go_on(now) and claiming:
                slots = self.flight.slots.now
                begun = self._top_up(min(slots + min(self.spare, slots), self.most) - self.flight.size, now)
            else:
                self._withdraw(now)
                if self.stopped_now:
                    self._give_up(now)
            self.troubled_since = None
        except TROUBLE as error:
            self._bear(error)
        kept = self.unwritten or self.withdrawn or self.given_up
        return bool(self.flight.size or kept or begun or self.troubled_since)

    def may_go_on(self, now: datetime) -> bool:
        """Whether it may begin items: the job runs, nobody else is at it, and calls are not stopped.

        Says now and then that it is there. Sees whether what is in flight is to be given up.
        """
        if now >= self.stays_until - at_work() / 2 and self.job.take(self.token, until=now + at_work(), now=now):
            self.stays_until = now + at_work()
        seen = Job.objects.filter(pk=self.job.pk).values_list(*SEEN).first()
        if seen is None:
            return False
        # Either of the last may be deleted at any time, and no call can be about what is gone.
        status, worker, self.stopped_now, self.job.user_id, self.job.row_type_id = seen
        if status != Job.Status.RUNNING or worker != self.token:
            return False
        if refusal := stopped():
            # What is held ready and has not left is taken back as well.
            pause(self.job, refusal)
            return False
        return True

    def _tell_of_slots(self) -> None:
        slots = self.flight.slots
        if slots.now == self.told_slots:
            return
        level = logging.WARNING if slots.now < self.told_slots else logging.INFO
        words = (self.job.pk, slots.now, slots.most, self.plan.connection.alias)
        logger.log(level, "job %s: %d of %d calls at a time, as many as %r bears", *words)
        self.told_slots = slots.now

    def _write(self, now: datetime) -> None:
        """Put down what has ended, and answer those that ask for money."""
        if self.unwritten:
            failpoint("write.collected")
            outcomes = flush(self.job, self.unwritten, owner=self.token, slots=self.flight.slots.lowered_to)
            failpoint("write.flushed")
            self.ended += len(self.unwritten)
            failed = [outcome for outcome in outcomes if not outcome.succeeded]
            reason = too_much_fails(self.job, failed[-1].error_kind) if failed else None
            # Of a job that is over nothing is left to be paused.
            if reason is not None and self.job.items.open().exists():
                pause(self.job, reason)
            self.spare = max(1, min(self.slots, round(SPARE * len(self.unwritten))))
            self.unwritten = []
        while self.asking:
            rehold = self.asking[0]
            with durable():
                refusal = hold_again(rehold.prepared, rehold.spent, attempt=rehold.attempt, now=now)
            failpoint("rehold.written")
            self.flight.answer(rehold, refusal)
            self.asking.pop(0)

    def _top_up(self, limit: int, now: datetime) -> int:
        """Claim, record and hold for up to `limit` items, and let them leave. Returns how many were dealt with."""
        picked = pick(self.job, limit=limit, now=now) if limit > 0 else []
        if not picked:
            return 0
        failpoint("window.picked")
        ready, broken = self._prepare(picked)
        ready = with_answers(ready)
        failpoint("window.prepared")
        with durable():
            taken = claim(picked, owner=self.token, until=now + lease(self.plan.connection), now=now)
            failpoint("window.claimed")
            self._close_lost(taken, now)
            ours = {item.pk for item in taken}
            fail(self.job, [one for one in broken if one[0].pk in ours], owner=self.token, now=now)
            kept = [one for one in ready if one.about.item_id in ours and one.reused]
            window = [one for one in ready if one.about.item_id in ours and not one.reused]
            open_reused(kept, now=now)
            opened = open_window(window, now=now)
            give_back([one.about.item_id for one in window[opened.count :]], owner=self.token)
            failpoint("window.opened")
        failpoint("window.committed")
        self.flight.start(window[: opened.count])
        failpoint("window.started")
        self.unwritten += map(ended_by, kept)
        if opened.refusal is None:
            self.most = 2 * max(self.most, self.slots)
            return len(taken)
        if not self.flight.size:
            pause(self.job, opened.refusal)
        # What is in flight holds more than it will have cost: there may be room again when it has ended.
        self.most = max(1, self.flight.size)
        return opened.count + len(kept)

    def _withdraw(self, now: datetime) -> None:
        """What has not left does not leave any more: somebody stopped the job, or the slice is over."""
        self.withdrawn += self.flight.withdraw()
        if self.withdrawn:
            failpoint("withdraw.taken")
            with durable():
                Job.objects.lock(self.job.pk)
                withdraw_window(self.withdrawn, now=now)
                give_back([one.about.item_id for one in self.withdrawn], owner=self.token)
            failpoint("withdraw.written")
            self.withdrawn = []

    def _give_up(self, now: datetime) -> None:
        """What is in flight does not come to its end: whoever stopped the job would not have it so."""
        failpoint("giveup.seen")
        self.given_up += self.flight.give_up()
        self.asking = [one for one in self.asking if not one.answer.done()]
        if self.given_up:
            failpoint("giveup.cancelled")
            with durable():
                write_given_up(self.job, self.given_up, owner=self.token, now=now)
            failpoint("giveup.written")
            self.given_up = []

    def _bear(self, error: DatabaseError | InterfaceError) -> None:
        """It is back in a moment, and nothing is lost until then."""
        started = self.troubled_since = self.troubled_since or time.monotonic()
        if time.monotonic() - started > PATIENCE:
            raise error
        logger.warning("job %s: the database is out of order, trying again: %s", self.job.pk, error)
        close_old_connections()
        time.sleep(PAUSE)

    def _prepare(self, items: Sequence[Item]) -> tuple[list[Prepared], list[Broken]]:
        """Render items; those that cannot be are named with their kind of error and a sentence."""
        ready, broken = prepared(self.job, self.plan, items, refuse=_quarantined)
        return [unless_cooling(one) for one in ready], broken

    def _close_lost(self, taken: Sequence[Item], now: datetime) -> None:
        """What a dead worker had in flight for these items."""
        again = [item.pk for item in taken if item.claims]
        if again:
            settle_lost(Call.objects.filter(item_id__in=again), now=now)


def at_work() -> timedelta:
    """How long a job waits for a worker that has stopped saying that it is there."""
    return timedelta(seconds=options().at_work_seconds)


def _quarantined(item: Item) -> tuple[str, str] | None:
    if item.claims < MOST_CLAIMS:
        return None
    text = _("The item was tried %d times and its worker ended each time; it is not tried again.")
    return "quarantined", text % item.claims


def pause(job: Job, because: Exception) -> None:
    """Begin nothing more at a job until somebody has seen to it, or a budget has room again."""
    try:
        job.pause(str(because), waits_for=because.wanted if isinstance(because, BudgetRefused) else None)
    except WrongState:
        # It was stopped, or another worker paused it: either way nothing more is begun.
        return
