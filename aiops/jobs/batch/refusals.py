"""Lines for which the provider refused a whole batch: their items fail, with what it says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import IO
from uuid import UUID

from django.utils import timezone

from aiops.calls.models import Call
from aiops.durable import durable
from aiops.execution.prepare import Plan
from aiops.execution.trouble import patient
from aiops.execution.window import release_calls
from aiops.files.source import PROVIDERS_MOST
from aiops.gateway.batches import Fault
from aiops.gateway.errors import BadRequest, GatewayError
from aiops.gateway.files import blocking
from aiops.jobs.batch.stay import Stay
from aiops.jobs.models import Batch, Item, Job
from aiops.jobs.settle import fail


def fail_faulty_lines(batch: Batch, stay: Stay, plan: Plan, faults: Sequence[Fault], file: IO[bytes]) -> int:
    """Returns how many items failed; none where nobody can say which lines are meant.

    Args:
        faults: with their lines.
        file: holds the lines meanwhile.

    Raises:
        GatewayError: the file did not come, and may the next time.
    """
    by_line = {fault.line: fault for fault in faults}
    failed = 0
    for number, raw in enumerate(_lines(batch, plan, file), start=1):
        fault = by_line.get(number)
        if fault is None:
            continue
        try:
            call_id = UUID(json.loads(raw)["custom_id"])
        except (ValueError, LookupError, TypeError):
            continue
        error = BadRequest(f"The provider refuses the line of this row. {fault.message}".strip())
        failed += _fail(batch, stay.job, call_id, error)
    return failed


def _lines(batch: Batch, plan: Plan, file: IO[bytes]) -> IO[bytes]:
    """The file as it was sent, from the provider: it is nowhere else any more."""
    if batch.file is not None:
        sent, timeout = batch.file.provider_id, plan.connection.deadline
        try:
            for piece in blocking.download(sent, plan.connection, most_bytes=PROVIDERS_MOST, timeout=timeout):
                file.write(piece)
        except GatewayError as error:
            if error.retryable:
                raise
            file.seek(0)
            file.truncate()
    file.seek(0)
    return file


@patient
def _fail(batch: Batch, job: Job, call_id: UUID, error: GatewayError) -> int:
    now = timezone.now()
    with durable():
        Job.objects.lock(job.pk)
        call = Call.objects.open().filter(pk=call_id, batch_id=batch.pk).first()
        item = Item.objects.filter(pk=call.item_id).first() if call and call.item_id else None
        if item is None:
            return 0
        release_calls([call_id], error, now=now)
        fail(job, [(item, error.kind, str(error))], owner=batch.token, now=now)
        batch.count(failed=1)
    return 1
