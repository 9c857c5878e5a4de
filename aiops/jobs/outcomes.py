"""The items of a job as results, with what their calls cost."""

from __future__ import annotations

from collections.abc import Iterator

from aiops.calls.models import Call
from aiops.jobs.models import Item, Job
from aiops.jobs.results import ResultRow
from aiops.ledger.money import to_dollars

CHUNK = 1_000
"""Items a query: neither memory nor a read transaction grows with the job."""


def results_of(job: Job) -> Iterator[ResultRow]:
    """Every item of a job in the order of the rows, whatever became of it."""
    after = -1
    while items := list(Item.objects.filter(job_id=job.pk, position__gt=after).order_by("position")[:CHUNK]):
        calls = Call.objects.without_bodies().in_bulk([item.call_id for item in items if item.call_id])
        for item in items:
            yield _result(item, calls.get(item.call_id) if item.call_id else None)
        after = items[-1].position


def _result(item: Item, call: Call | None) -> ResultRow:
    return ResultRow(
        position=item.position,
        key=item.row_key or None,
        status=str(item.status),
        variables=item.variables,
        data=item.data,
        text=item.text,
        error_kind=item.error_kind,
        error_text=item.error_text,
        tokens_in=call.tokens_in if call else None,
        tokens_out=call.tokens_out if call else None,
        cost=to_dollars(call.cost) if call and call.cost is not None else None,
    )
