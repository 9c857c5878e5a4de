"""Taking items, so that no two workers have one. A claim is a lease: it ends by itself when its worker dies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F

from aiops.gateway.connections import Connection
from aiops.jobs.models import Item, Job
from aiops.options import options

MOST_CLAIMS = 3
"""An item that was claimed so often and never ended kills its workers: it is not given out again."""


def lease(connection: Connection) -> timedelta:
    """How long an item is one worker's: its call may wait for a slot as long as the slice lasts, and then fly."""
    return timedelta(seconds=options().slice_seconds + connection.deadline + options().lease_margin_seconds)


def pick(job: Job, *, limit: int, now: datetime) -> list[Item]:
    """Items that could be claimed, in order, with their variables; only those to be tried first, while it tries them.

    Nothing is locked yet.
    """
    # One question a status: asked for both at once, a database walks through all that is done to find what is left.
    found: list[Item] = []
    tried = {"position__in": job.tried_positions} if job.trying else {}
    for claimable in (Item.objects.left_behind(now), Item.objects.pending()):
        if len(found) < limit:
            rows = claimable.filter(job=job, **tried).order_by("position").defer("text", "data", "error_text")
            found += rows[: limit - len(found)]
    return found


def claim(items: Sequence[Item], *, owner: UUID, until: datetime, now: datetime) -> list[Item]:
    """Take those of `items` that are still free and whose job still runs. Belongs in a transaction.

    Returns:
        Those taken, in order.
    """
    if not items or not Job.objects.running().select_for_update().filter(pk=items[0].job_id).exists():
        return []
    keys = [item.pk for item in items]
    free = Item.objects.claimable(now).filter(pk__in=keys)
    taken = free.update(status=Item.Status.CLAIMED, owner=owner, lease_until=until, claims=F("claims") + 1)
    if taken == len(items):
        return list(items)
    ours = set(Item.objects.filter(pk__in=keys, owner=owner, lease_until=until).values_list("pk", flat=True))
    return [item for item in items if item.pk in ours]


def give_back(item_ids: Iterable[int | None], *, owner: UUID) -> None:
    """Undo a claim whose calls never left."""
    keys = [pk for pk in item_ids if pk is not None]
    if not keys:
        return
    ours = Item.objects.filter(pk__in=keys, owner=owner, status=Item.Status.CLAIMED)
    ours.update(status=Item.Status.PENDING, owner=None, lease_until=None, claims=F("claims") - 1)
