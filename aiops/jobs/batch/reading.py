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
from typing import IO
from uuid import UUID

from django.utils import timezone

from aiops.calls.models import Call
from aiops.execution.ask import Ended, Tally
from aiops.execution.judge import Outcome
from aiops.execution.prepare import Plan, prepare
from aiops.execution.trouble import patient
from aiops.failpoints import failpoint
from aiops.gateway.batches import Line, read_line
from aiops.gateway.batches.told import is_told_gone
from aiops.gateway.bounds import MOST_BYTES
from aiops.gateway.errors import Billed, GatewayError, Unanswered
from aiops.gateway.files import blocking
from aiops.gateway.retry import RetryPolicy
from aiops.jobs.batch.request import any_request
from aiops.jobs.batch.stay import Stay
from aiops.jobs.batch.undoing import delete_files, delete_results, give_again, give_back_rest, give_up_on, open_calls
from aiops.jobs.claim import MOST_CLAIMS
from aiops.jobs.failing import too_much_fails
from aiops.jobs.heartbeat import silent
from aiops.jobs.models import Batch, Item
from aiops.jobs.preparing import about
from aiops.jobs.settle import flush
from aiops.jobs.worker import pause

logger = logging.getLogger(__name__)

WINDOW = 500
"""Lines of one transaction."""

WINDOW_BYTES = 16 << 20
"""And bytes, but for the last line."""

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
    before, is_whole = 0, True
    for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
        if file_id == batch.output_file_id and batch.output_lines is not None:
            before = batch.output_lines
            continue
        if not stay.may_wait:
            return merging.ended
        with tempfile.TemporaryFile(prefix="aiops-batch-") as file:
            if not stay.lasts(plan.connection.deadline):
                return merging.ended
            came = _download(batch, stay, file_id, file, plan)
            failpoint("batch.downloaded")
            seen = merging.merge(file, before)
        if seen is None:
            return merging.ended
        before += seen
        is_whole &= came
        if came and file_id == batch.output_file_id:
            batch.has_read_output(seen)
    _give_back_missing(batch, stay, is_whole=is_whole)
    if not stay.is_over and batch.end(ENDS[batch.provider_status], now=timezone.now(), error=batch.error):
        failpoint("batch.ended")
        delete_files(batch)
        delete_results(batch, plan.connection)
    return merging.ended


def _download(batch: Batch, stay: Stay, file_id: str, file: IO[bytes], plan: Plan) -> bool:
    """All of a file, or nothing of one that has been gone for long. Returns whether it came."""
    pieces = blocking.download(file_id, plan.connection, most_bytes=MOST_RESULTS, timeout=plan.connection.deadline)
    came = True
    try:
        with stay.waiting(), silent(plan.connection.deadline):
            for piece in pieces:
                file.write(piece)
    except GatewayError as error:
        if not (is_told_gone(error) and batch.is_gone(timezone.now())):
            raise
        logger.warning("file %s is gone from the provider: what it held is unknown", file_id)
        file.seek(0)
        file.truncate()
        came = False
    file.seek(0)
    return came


class _Merging:
    """One worker's reading of one batch."""

    def __init__(self, batch: Batch, stay: Stay, plan: Plan) -> None:
        self.batch = batch
        self.stay = stay
        self.plan = plan
        self.ended = 0
        self.windows = 0
        """That were merged."""
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
                # One window at least: else a file that takes long to come would come for nothing, again and again.
                if (self.stay.is_over and self.windows) or not self.stay.lasts():
                    return None
                if not self._merge(raws[done:]):
                    return None
        return number

    def _merge(self, raws: Sequence[bytes]) -> bool:
        """Returns whether this worker may go on: nobody else has counted these lines."""
        read = [read_line(raw, self._request, self.plan.connection) for raw in raws]
        lines = {call_id: line for line in read if line is not None and (call_id := _call_id(line)) is not None}
        calls = self._open(lines)
        items = self._items([pk for pk in calls.values() if pk is not None])
        ended: list[Ended] = []
        unknown: dict[UUID, int | None] = {}
        again: dict[str, dict[UUID, int | None]] = {}
        errors: dict[str, GatewayError] = {}
        for call_id, item_id in calls.items():
            item, line = items.get(item_id or 0), lines[call_id]
            if item is not None and not self._is_asked_again(line, item):
                ended.append(self._ended(call_id, item, line))
            elif line.error is None or line.was_answered or line.error.billed != Billed.NO:
                # Its row is gone, and with it what says how it is judged; it may have been billed.
                unknown[call_id] = item_id
            else:
                again.setdefault(str(line.error), {})[call_id] = item_id
                errors[str(line.error)] = line.error
        outcomes = patient(flush)(self.stay.job, ended, owner=self.batch.token, batch=self.batch)
        failpoint("batch.merged")
        for text, given in again.items():
            give_again(self.batch, given, errors[text], counted=not self._was_cancelled(errors[text]))
        if unknown:
            give_up_on(self.batch, unknown)
        self.ended += len(outcomes)
        self.windows += 1
        # Of no other line does this process know that it is settled.
        answers = sum(lines[call_id].was_answered for call_id in calls)
        start = self.batch.read_lines
        if not self._count(start, start + len(raws), answers, outcomes):
            return False
        failpoint("batch.counted")
        self._see_whether_too_much_fails(outcomes)
        return True

    def _is_asked_again(self, line: Line, item: Item) -> bool:
        """Whether a row goes into another batch: it was not its turn, or the provider failed, and it has a try left."""
        error = line.error
        if error is None or not error.retryable or error.billed != Billed.NO:
            return False
        return item.claims < MOST_CLAIMS or self._was_cancelled(error)

    def _was_cancelled(self, error: GatewayError) -> bool:
        """Whether a row was not answered since people did not want it to be: that is none of its tries."""
        return self.batch.cancelled_at is not None and isinstance(error, Unanswered)

    def _ended(self, call_id: UUID, item: Item, line: Line) -> Ended:
        """The call as it is after its only attempt.

        Raises:
            REFUSALS: what could be asked cannot be any more: a module or a setting is missing. The answers wait for it.
        """
        asker = about(self.stay.job, item, batch_id=self.batch.pk)
        # Rendered again, not kept: it says how the answer is judged, and what was taken out of the request.
        prepared = replace(prepare(self.plan, item.variables, asker), call_id=call_id)
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
    def _count(self, start: int, end: int, answers: int, outcomes: Sequence[Outcome]) -> bool:
        good = sum(outcome.succeeded for outcome in outcomes)
        self.batch.read_lines = end
        if self.batch.has_read(start, end, answers=answers, answered=good, failed=len(outcomes) - good):
            return True
        # Said twice by this one, where the connection broke in between, or by another.
        return Batch.objects.filter(pk=self.batch.pk, read_lines=end).exists() and self.stay.lasts()

    def _see_whether_too_much_fails(self, outcomes: Sequence[Outcome]) -> None:
        failed = [outcome for outcome in outcomes if not outcome.succeeded]
        reason = too_much_fails(self.stay.job, failed[-1].error_kind) if failed else None
        if reason is not None and self.stay.job.items.open().exists():
            pause(self.stay.job, reason)


def _windows(file: IO[bytes]) -> Generator[list[bytes], None, None]:
    # A line that is longer than any answer comes in pieces, which are none.
    lines = iter(lambda: file.readline(MOST_BYTES), b"")
    window: list[bytes] = []
    size = 0
    for line in lines:
        window.append(line)
        size += len(line)
        if len(window) == WINDOW or size >= WINDOW_BYTES:
            yield window
            window, size = [], 0
    if window:
        yield window


def _call_id(line: Line) -> UUID | None:
    try:
        return UUID(line.custom_id)
    except ValueError:
        return None


def _give_back_missing(batch: Batch, stay: Stay, *, is_whole: bool) -> None:
    """What stands in none of the files.

    Args:
        is_whole: all of its files have come.
    """
    batch.refresh_from_db()
    # Where the provider counts as many answers as were read, there are no others that it could bill.
    is_sure = is_whole and batch.tells_counts and batch.read_answers == batch.told_completed
    error = Unanswered("The batch ended without a word of this line.")
    for calls in open_calls(batch):
        if stay.is_over or not stay.lasts():
            return
        if is_sure:
            give_again(batch, calls, error, counted=batch.cancelled_at is None)
        else:
            give_up_on(batch, calls)
    give_back_rest(batch)
