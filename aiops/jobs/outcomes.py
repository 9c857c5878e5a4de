"""The items of a job as results, with what their calls cost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from aiops.calls.models import Call
from aiops.jobs.models import Item, Job
from aiops.jobs.results import ResultRow
from aiops.ledger.money import to_dollars

CHUNK = 1_000
"""Items a query: neither memory nor a read transaction grows with the job."""


def results_of(job: Job, *, readable: Callable[[list[Item]], Collection[int]]) -> Iterator[ResultRow]:
    """Every item of a job in the order of the rows, whatever became of it.

    Args:
        readable: of a chunk of items, the primary keys of those whose contents are given; of the others only numbers.
    """
    after = -1
    while items := list(job.items.filter(position__gt=after).order_by("position")[:CHUNK]):
        calls = Call.objects.without_bodies().in_bulk([item.call_id for item in items if item.call_id])
        shown = readable(items)
        for item in items:
            call = calls.get(item.call_id) if item.call_id else None
            yield _result(item, call, whole=item.pk in shown)
        after = items[-1].position


def _result(item: Item, call: Call | None, *, whole: bool) -> ResultRow:
    return ResultRow(
        position=item.position,
        key=item.row_key or None,
        status=str(item.status),
        # The names stay: they are the columns.
        variables=item.variables if whole else dict.fromkeys(item.variables),
        data=item.data if whole else None,
        text=item.text if whole else "",
        error_kind=item.error_kind,
        error_text=item.error_text if whole else "",
        tokens_in=_own(item, call, call.tokens_in if call else None),
        tokens_out=_own(item, call, call.tokens_out if call else None),
        cost=to_dollars(cost) if (cost := _own(item, call, call.cost if call else None)) is not None else None,
    )


def _own(item: Item, call: Call | None, value: int | None) -> int | None:
    """Of the item itself: one that has the answer of another used nothing."""
    return 0 if call and item.same_as is not None and call.item_id != item.pk else value
