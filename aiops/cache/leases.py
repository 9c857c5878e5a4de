"""Who asks what, known to all processes: a row a question, held by a lease.

It costs two short writes a question, beside the two that every call needs anyway; in return a page that fifty processes
are asked for at once is paid for once. A job takes the leases of a window by one transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import router, transaction

from aiops.cache.models import Asking


def take(keys: Collection[str], *, owner: UUID, until: datetime, now: datetime) -> set[str]:
    """Take as many of these questions as are free, and prolong those that are `owner`'s already.

    Returns:
        Those that are `owner`'s now. Whoever has one looks the answer up once more: another may just have got it.
    """
    wanted = Asking.objects.filter(key__in=list(keys))
    held = set(wanted.held_against(owner, now).values_list("key", flat=True))
    # In one order: who waits for another's insert must not hold what that one waits for.
    free = sorted({*keys} - held)
    if not free:
        return set()
    rows = [Asking(key=key, owner=owner, until=until) for key in free]
    with transaction.atomic(using=router.db_for_write(Asking)):
        Asking.objects.bulk_create(rows, ignore_conflicts=True)
        wanted.free_for(owner, now).update(owner=owner, until=until)
        return set(wanted.filter(owner=owner).values_list("key", flat=True))


def give_back(keys: Collection[str], *, owner: UUID) -> None:
    """Let others ask these. Those that are somebody else's by now stay theirs."""
    Asking.objects.filter(key__in=list(keys), owner=owner).delete()
