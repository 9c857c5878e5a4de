"""Batches of which nothing comes: nobody looks at them, their provider is late, or they never left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from aiops.health.signs import Level, Sign
from aiops.jobs.models import Batch

MOST = 1000
"""Rows that are looked at."""

UNSEEN = timedelta(minutes=10)
"""Each is looked at every minute."""

WINDOW = timedelta(days=1)
MARGIN = timedelta(hours=1)
"""A provider that is a little late is not yet wrong."""

LONG_IN_THE_MAKING = timedelta(hours=1)


def of_batches(now: datetime) -> Iterator[Sign]:
    """One question for all that are open."""
    status = Batch.Status
    rows = Batch.objects.open().only("status", "look_at", "expires_at", "submitted_at", "created_at")
    found = list(rows.order_by("pk")[:MOST])
    if not found:
        return
    making = (status.PREPARING, status.SUBMITTING)
    unseen = [one.pk for one in found if one.look_at < now - UNSEEN]
    late = [one.pk for one in found if one.status == status.UNDER_WAY and _ends(one) < now - MARGIN]
    unmade = [one.pk for one in found if one.status in making and one.created_at < now - LONG_IN_THE_MAKING]
    if unseen:
        said = _("Nobody has looked at batch %s when it was time.")
        remedy = _("See that workers run, and that the sweeper comes; “Look now” on its page rings for it at once.")
        yield _sign("batches_unseen", Level.BAD, said, remedy, unseen)
    if late:
        said = _("The provider has not ended batch %s in its time.")
        remedy = _("It is waited for two days longer. Stop the job to cancel it, or ask the provider by its id.")
        yield _sign("batches_late", Level.WARN, said, remedy, late)
    if unmade:
        said = _("Batch %s was begun and has not reached its provider.")
        remedy = _("Its page says why. Its rows are put into another; see that the connection has batches.")
        yield _sign("batches_unmade", Level.WARN, said, remedy, unmade)
    if not (unseen or late or unmade):
        yield Sign(
            what="batches", level=Level.OK, said=_("The open batches are looked at."), facts={"open": len(found)}
        )


def _ends(batch: Batch) -> datetime:
    return batch.expires_at or batch.since + WINDOW


def _sign(what: str, level: Level, said: str, remedy: str, keys: Sequence[int]) -> Sign:
    names = ", ".join(str(key) for key in keys[:5]) + (" …" if len(keys) > 5 else "")
    facts = {"batches": list(keys), "count": len(keys)}
    return Sign(what=what, level=level, said=said % names, remedy=remedy, facts=facts, page="aiops_batch_changelist")
