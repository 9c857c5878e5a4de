"""Reading what came of a batch: each line goes the way of a live answer, what is missing is given back.

The files come to this machine's disk first and are then read in windows: memory does not grow with them. A process that
dies in between reads on where the last one was; a line that was read twice finds its call closed.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import IO
from uuid import UUID

from django.utils import timezone

from aiops.calls.models import Call
from aiops.execution.ask import Ended, Tally
from aiops.execution.errors import REFUSALS
from aiops.execution.judge import Outcome
from aiops.execution.prepare import Plan, prepare
from aiops.execution.trouble import patient
from aiops.failpoints import failpoint
from aiops.gateway.batches import Line, read_line
from aiops.gateway.bounds import MOST_BYTES
from aiops.gateway.errors import Billed, GatewayError, Unanswered
from aiops.gateway.files import blocking
from aiops.gateway.files.told import is_gone
from aiops.gateway.retry import RetryPolicy
from aiops.jobs.batch.request import any_request
from aiops.jobs.batch.stay import Stay
from aiops.jobs.batch.undoing import delete_files, delete_results, give_again, give_back_rest, give_up_on, open_calls
from aiops.jobs.claim import MOST_CLAIMS
from aiops.jobs.failing import too_much_fails
from aiops.jobs.models import Batch, Item
from aiops.jobs.preparing import about
from aiops.jobs.settle import flush
from aiops.jobs.worker import pause

logger = logging.getLogger(__name__)

WINDOW = 500
"""Lines of one transaction."""

MOST_RESULTS = 4 << 30
"""Bytes of one file."""

ENDS = {
    "completed": Batch.Status.COMPLETED,
    "expired": Batch.Status.EXPIRED,
    "cancelled": Batch.Status.CANCELLED,
    "failed": Batch.Status.REFUSED,
}


def read_results(batch: Batch, stay: Stay, plan: Plan) -> int:
    """Merge what came of a batch that is over. Returns how many items ended.

    Raises:
        GatewayError: a file did not come; the next tick tries again.
    """
    merging = _Merging(batch, stay, plan)
    before = 0
    for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
        with tempfile.TemporaryFile(prefix="aiops-batch-") as file:
            if not stay.lasts(plan.connection.deadline):
                return merging.ended
            _download(file_id, file, plan)
            failpoint("batch.downloaded")
            seen = merging.merge(file, before)
        if seen is None:
            return merging.ended
        before += seen
    _give_back_missing(batch, stay)
    if not stay.is_over and batch.end(ENDS[batch.provider_status], now=timezone.now(), error=batch.error):
        failpoint("batch.ended")
        delete_files(batch)
        delete_results(batch, plan.connection)
    return merging.ended


def _download(file_id: str, file: IO[bytes], plan: Plan) -> None:
    """All of a file, or nothing of one that is gone."""
    pieces = blocking.download(file_id, plan.connection, most_bytes=MOST_RESULTS, timeout=plan.connection.deadline)
    try:
        for piece in pieces:
            file.write(piece)
    except GatewayError as error:
        if not is_gone(error):
            raise
        logger.warning("file %s is gone from the provider: what it held is unknown", file_id)
        file.truncate(0)
    file.seek(0)


class _Merging:
    """One worker's reading of one batch."""

    def __init__(self, batch: Batch, stay: Stay, plan: Plan) -> None:
        self.batch = batch
        self.stay = stay
        self.plan = plan
        self.ended = 0
        self._request = any_request(plan)

    def merge(self, file: IO[bytes], before: int) -> int | None:
        """Merge the lines of a file that were not merged yet.

        Args:
            before: lines of the files before it.

        Returns:
            How many lines it has; None where there was no time for all of them.
        """
        number = 0
        with closing(_windows(file)) as windows:
            for raws in windows:
                done = max(0, min(len(raws), self.batch.read_lines - before - number))
                number += len(raws)
                if done == len(raws):
                    continue
                if self.stay.is_over or not self.stay.lasts():
                    return None
                self._merge(raws[done:])
        return number

    def _merge(self, raws: Sequence[bytes]) -> None:
        read = [read_line(raw, self._request, self.plan.connection) for raw in raws]
        lines = {call_id: line for line in read if line is not None and (call_id := _call_id(line)) is not None}
        calls = self._open(lines)
        items = self._items([pk for pk in calls.values() if pk is not None])
        ended: list[Ended] = []
        again: dict[str, dict[UUID, int | None]] = {}
        errors: dict[str, GatewayError] = {}
        for call_id, item_id in calls.items():
            item, line = items.get(item_id or 0), lines[call_id]
            if item is None or _is_asked_again(line, item):
                error = line.error or Unanswered("The row of this line is gone.")
                again.setdefault(str(error), {})[call_id] = item_id
                errors[str(error)] = error
            elif (one := self._ended(call_id, item, line)) is not None:
                ended.append(one)
        outcomes = patient(flush)(self.stay.job, ended, owner=self.batch.token, batch=self.batch)
        failpoint("batch.merged")
        for text, given in again.items():
            give_again(self.batch, given, errors[text])
        self._count(raws, lines, outcomes)
        failpoint("batch.counted")
        self.ended += len(outcomes)
        self._see_whether_too_much_fails(outcomes)

    def _ended(self, call_id: UUID, item: Item, line: Line) -> Ended | None:
        """The call as it is after its only attempt; None where nobody can say any more what was asked."""
        asker = about(self.stay.job, item, batch_id=self.batch.pk)
        try:
            # Rendered again, not kept: it says how the answer is judged, and what was taken out of the request.
            prepared = replace(prepare(self.plan, item.variables, asker), call_id=call_id)
        except REFUSALS:
            logger.exception("call %s cannot be prepared again", call_id)
            return None
        tally = Tally(prepared, RetryPolicy(deadline=self.plan.connection.deadline))
        tally.begin()
        if line.error is not None:
            tally.failed(line.error)
        return tally.ended(line.completion)

    @patient
    def _open(self, lines: dict[UUID, Line]) -> dict[UUID, int | None]:
        found = Call.objects.open().filter(pk__in=lines, batch_id=self.batch.pk)
        return dict(found.values_list("pk", "item_id"))

    @patient
    def _items(self, keys: Sequence[int]) -> dict[int, Item]:
        return Item.objects.filter(job=self.batch.job_id).defer("text", "data", "error_text").in_bulk(keys)

    @patient
    def _count(self, raws: Sequence[bytes], lines: dict[UUID, Line], outcomes: Sequence[Outcome]) -> None:
        good = sum(outcome.succeeded for outcome in outcomes)
        answers = sum(line.was_answered for line in lines.values())
        self.batch.count(read=len(raws), answers=answers, answered=good, failed=len(outcomes) - good)

    def _see_whether_too_much_fails(self, outcomes: Sequence[Outcome]) -> None:
        failed = [outcome for outcome in outcomes if not outcome.succeeded]
        reason = too_much_fails(self.stay.job, failed[-1].error_kind) if failed else None
        if reason is not None and self.stay.job.items.open().exists():
            pause(self.stay.job, reason)


def _windows(file: IO[bytes]) -> Generator[list[bytes], None, None]:
    # A line that is longer than any answer comes in pieces, which are none.
    lines = iter(lambda: file.readline(MOST_BYTES), b"")
    while window := list(islice(lines, WINDOW)):
        yield window


def _call_id(line: Line) -> UUID | None:
    try:
        return UUID(line.custom_id)
    except ValueError:
        return None


def _is_asked_again(line: Line, item: Item) -> bool:
    """Whether a row goes into another batch: it was not its turn, or the provider failed, and it has a try left."""
    error = line.error
    if error is None or item.claims >= MOST_CLAIMS:
        return False
    return error.retryable and error.billed == Billed.NO


def _give_back_missing(batch: Batch, stay: Stay) -> None:
    """What stands in none of the files."""
    batch.refresh_from_db()
    # Where the provider counts as many answers as were read, there are no others that it could bill.
    is_sure = batch.read_answers == batch.told_completed
    error = Unanswered("The batch ended without a word of this line.")
    for calls in open_calls(batch):
        if stay.is_over or not stay.lasts():
            return
        if is_sure:
            give_again(batch, calls, error)
        else:
            give_up_on(batch, calls)
    give_back_rest(batch)
