"""What the shop's code may listen to. Told once a change is committed, in the process that made it.

    from django.dispatch import receiver
    from aiops.signals import item_succeeded, job_finished

    @receiver(job_finished)
    def tell_the_team(sender, job, **kwargs): ...

    @receiver(item_succeeded)
    def index_the_row(sender, item, **kwargs): ...

A receiver that raises is logged and harms nothing. A process that is killed between the commit and the signal tells
nobody: what must not be missed is asked of the database (`job.results()`), and a signal only says that it is time to.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

if TYPE_CHECKING:
    from django.db.models import Model

AT_ONCE = 500
"""Items that are in memory at once."""

job_finished = Signal()
"""Every row of a job has come to its end, good or bad. Sender: `Job`; argument: `job`. Again after a retry."""

item_succeeded = Signal()
"""A row has its answer. Sender: `Item`; argument: `item`, with its `job`. In a worker: be quick, or ring for others."""


def tell_finished(job: Model) -> None:
    """Say that a job is over, once this is committed."""
    sender = type(job)
    if job_finished.has_listeners(sender):
        transaction.on_commit(partial(_send_finished, sender, job.pk), robust=True)


def tell_succeeded(model: type[Model], answered: Mapping[int, UUID | None]) -> None:
    """Say that items have their answers, once this is committed.

    Args:
        model: of items.
        answered: primary key → the call whose answer it has, items that have another by then are left out; None for
            whichever.
    """
    if answered and item_succeeded.has_listeners(model):
        transaction.on_commit(partial(_send_succeeded, model, dict(answered)), robust=True)


def _send_finished(sender: type[Model], pk: int) -> None:
    job = sender._default_manager.filter(pk=pk).first()
    if job is not None:
        job_finished.send_robust(sender, job=job)


def _send_succeeded(model: type[Model], answered: Mapping[int, UUID | None]) -> None:
    keys = list(answered)
    for start in range(0, len(keys), AT_ONCE):
        items: Any = model._default_manager.filter(pk__in=keys[start : start + AT_ONCE], status="succeeded")
        for item in items.select_related("job__version__prompt", "job__row_type").order_by("position"):
            if answered[item.pk] in (item.call_id, None):
                item_succeeded.send_robust(model, item=item)
