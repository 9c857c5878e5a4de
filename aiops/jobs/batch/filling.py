"""Filling a batch: items are claimed, their calls recorded and held for, and each becomes a line of a file.

All in windows, so that memory does not grow with the batch. Nothing leaves meanwhile: a process that dies here leaves a
batch that is withdrawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import IO

from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.calls.models import Call
from aiops.durable import durable
from aiops.execution.errors import AttemptRefused
from aiops.execution.prepare import Plan, Prepared
from aiops.execution.reuse import ended_by, with_answers
from aiops.execution.trouble import patient
from aiops.execution.window import open_reused, open_window
from aiops.failpoints import failpoint
from aiops.gateway.batches import line_of
from aiops.jobs.batch.request import most_bytes
from aiops.jobs.batch.stay import Stay
from aiops.jobs.claim import MOST_CLAIMS, claim, give_back, pick
from aiops.jobs.models import Batch, Item, Job
from aiops.jobs.preparing import Broken, prepared
from aiops.jobs.settle import fail, flush, settle_lost

WINDOW = 500
"""Items of one transaction."""

LEASE = timedelta(days=7)
"""How long items and calls are a batch's: longer than any of them lasts."""

ALONE = timedelta(minutes=5)
"""A batch that nobody has gone on preparing for so long was left behind."""


@dataclass(slots=True)
class Filling:
    """A batch that is being filled, and the file of its lines."""

    batch: Batch
    file: IO[bytes]
    most_lines: int
    size: int = 0
    """Bytes of the file."""

    refusal: AttemptRefused | None = None
    """Why no further call could be recorded."""

    is_full: bool = False

    def fill(self, stay: Stay, plan: Plan) -> None:
        """Take as many items as there is room for, or time."""
        while self.batch.line_count < self.most_lines and not (self.is_full or self.refusal or stay.is_over):
            if not stay.lasts() or not self._next_window(stay.job, plan):
                return

    def _next_window(self, job: Job, plan: Plan) -> bool:
        """Returns whether any item was dealt with."""
        window = self._window(job, plan)
        if not window.items:
            return False
        kept, lines = self._record(job, window)
        failpoint("batch.recorded")
        self.file.writelines(lines)
        self.size += sum(map(len, lines))
        if kept:
            flush(job, [ended_by(one) for one in kept], owner=self.batch.token)
        return bool(kept or lines or window.broken)

    def _window(self, job: Job, plan: Plan) -> _Window:
        """The items that come next, as far as there is room for them."""
        picked = pick(job, limit=min(WINDOW, self.most_lines - self.batch.line_count), now=timezone.now())
        by_key = {item.pk: item for item in picked}
        ready, broken = prepared(job, plan, picked, refuse=_given_up, batch_id=self.batch.pk)
        window = _Window(broken=broken, items=[item for item, _kind, _text in broken])
        most = most_bytes(plan.connection)
        room = most - self.size
        for one in with_answers(ready):
            item = by_key[one.about.item_id or 0]
            if one.reused is not None:
                window.kept.append(replace(one, about=replace(one.about, batch_id=None)))
                window.items.append(item)
                continue
            line = line_of(str(one.call_id), one.request, plan.connection)
            if len(line) > most:
                window.broken.append((item, "too_long", _("The row alone is longer than a batch may be.")))
            elif len(line) > room:
                self.is_full = True
                break
            else:
                room -= len(line)
                window.ready.append(one)
                window.lines.append(line)
            window.items.append(item)
        return window

    @patient
    def _record(self, job: Job, window: _Window) -> tuple[list[Prepared], list[bytes]]:
        """Claim, record and hold. Returns the calls that need no asking, and the lines of the others."""
        token, now = self.batch.token, timezone.now()
        with durable():
            Job.objects.lock(job.pk)
            if not self.batch.is_mine():
                # It took too long, and somebody has withdrawn it.
                self.is_full = True
                return [], []
            taken = claim(window.items, owner=token, until=now + LEASE, now=now)
            again = [item.pk for item in taken if item.claims]
            if again:
                settle_lost(Call.objects.filter(item_id__in=again), now=now)
            ours = {item.pk for item in taken}
            fail(job, [one for one in window.broken if one[0].pk in ours], owner=token, now=now)
            kept = [one for one in window.kept if one.about.item_id in ours]
            open_reused(kept, now=now)
            leaving = [
                (one, line) for one, line in zip(window.ready, window.lines, strict=True) if one.about.item_id in ours
            ]
            opened = open_window([one for one, _line in leaving], now=now)
            give_back([one.about.item_id for one, _line in leaving[opened.count :]], owner=token)
            self.batch.grew(opened.count, look_at=now + ALONE)
        self.batch.line_count += opened.count
        self.refusal = opened.refusal
        if not taken:
            self.is_full = True
        return kept, [line for _one, line in leaving[: opened.count]]


@dataclass(slots=True)
class _Window:
    """Items that are dealt with in one transaction."""

    items: list[Item] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    kept: list[Prepared] = field(default_factory=list)
    ready: list[Prepared] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)


def _given_up(item: Item) -> tuple[str, str] | None:
    if item.claims < MOST_CLAIMS:
        return None
    text = _("The row was in %d batches, and each ended before it was answered; it is put into no other.")
    return "unanswered", text % item.claims
