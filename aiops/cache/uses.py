"""Which answers were used, written now and then: one write a use would cost more than the cache saves."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connections, router, transaction
from django.db.models import F

from aiops.cache.models import CachedAnswer

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=10)
MOST = 1000
"""Answers, so that a busy process does not hold many."""


@dataclass(slots=True)
class _Noted:
    """What this process has not written yet. A kill takes it along: it is a matter of order, not of money."""

    since: datetime | None = None
    uses: Counter[str] = field(default_factory=Counter)


_noted = _Noted()
_lock = threading.Lock()


def note_uses(keys: Iterable[str], *, now: datetime) -> None:
    """Remember that these were used, and write what was remembered where it is time to."""
    with _lock:
        # One by one: of a mapping it would add the values up.
        _noted.uses.update(iter(keys))
        if not _noted.uses:
            return
        if _noted.since is None:
            _noted.since = now
        # Of a clock that was set back, too: a time to come would never be over.
        due = abs(now - _noted.since) >= EVERY or len(_noted.uses) >= MOST
    # Inside somebody's transaction the rows would stay locked until its end.
    if due and not connections[router.db_for_write(CachedAnswer)].in_atomic_block:
        flush_uses(now=now)


def flush_uses(*, now: datetime) -> int:
    """Write what was remembered. Returns how many answers were marked.

    Those that somebody else is writing to are left out, and a database in trouble is none of the caller's: no answer is
    lost by it.
    """
    with _lock:
        uses, _noted.uses, _noted.since = _noted.uses, Counter(), None
    if not uses:
        return 0
    try:
        with transaction.atomic(using=router.db_for_write(CachedAnswer)):
            return _mark(uses, now)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("the use of %s answers is not noted: %s", len(uses), error)
        return 0


def _mark(uses: Counter[str], now: datetime) -> int:
    rows = CachedAnswer.objects.filter(key__in=uses).select_for_update(skip_locked=True).order_by("key")
    by_count: dict[int, list[int]] = defaultdict(list)
    for pk, key in rows.values_list("pk", "key"):
        by_count[uses[key]].append(pk)
    return sum(
        CachedAnswer.objects.filter(pk__in=keys).update(hits=F("hits") + count, last_used_at=now)
        for count, keys in by_count.items()
    )


def forget_uses() -> None:
    """Forget what was remembered: a forked child has what its parent will write, a test what others left behind."""
    global _lock
    _lock = threading.Lock()
    _noted.uses, _noted.since = Counter(), None


os.register_at_fork(after_in_child=forget_uses)
