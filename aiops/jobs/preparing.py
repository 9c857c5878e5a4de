"""From items to calls that could be made, or to why one cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiops.execution.errors import REFUSALS
from aiops.execution.prepare import About, Plan, Prepared, prepare
from aiops.jobs.models import Item, Job

Broken = tuple[Item, str, str]
"""An item that cannot be asked about, a kind of error and a sentence."""


def about(job: Job, item: Item, *, batch_id: int | None = None) -> About:
    """Who asks, and about what."""
    return About(
        user_id=job.user_id,
        job_id=job.pk,
        item_id=item.pk,
        row_type_id=job.row_type_id,
        row_key=item.row_key,
        batch_id=batch_id,
    )


def prepared(
    job: Job, plan: Plan, items: Sequence[Item], *, refuse: Callable[[Item], tuple[str, str] | None], **more: int
) -> tuple[list[Prepared], list[Broken]]:
    """Render items; those that cannot be are named with their kind of error and a sentence.

    Args:
        refuse: says why an item is not asked about at all; None where it is.
        more: what else the calls are about.
    """
    ready: list[Prepared] = []
    broken: list[Broken] = []
    for item in items:
        refusal = refuse(item)
        if refusal is not None:
            broken.append((item, *refusal))
            continue
        try:
            ready.append(prepare(plan, item.variables, about(job, item, **more)))
        except REFUSALS as error:
            broken.append((item, getattr(error, "kind", "prompt"), str(error)))
    return ready, broken
