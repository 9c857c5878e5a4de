"""Rows of a job that have changed since they were answered."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.jobs.freshness import Standing, standings
from aiops.jobs.models import Item, Job
from aiops.jobs.seen import rows_seen_by
from aiops.jobs.sources import PickedSource, keys_there


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """What became of some rows of a job."""

    changed: tuple[Item, ...]
    gone: tuple[Item, ...]
    """Rows that are not there any more, or that this person does not see."""

    looked_at: int
    after: int
    """The position of the last one that was looked at; the next look begins there."""

    more: bool
    """Whether there are rows beyond it."""

    def sentence(self) -> str:
        """For people."""
        n = len(self.changed)
        words = {"n": f"{n:,}"}
        if not n:
            text = _("No row has changed since it was answered.")
        else:
            text = ngettext(
                "%(n)s row has changed since it was answered.",
                "%(n)s rows have changed since they were answered.",
                n,
            )
        return text % words


def stale_rows(job: Job, user: Any, *, site: AdminSite | None = None, after: int = 0, most: int = 1_000) -> Stale:
    """Look at so many rows of a job. They are read as they are now; nothing is sent.

    Args:
        user: who looks; rows that the admin does not give them are not read.
        after: the position behind which the look begins.
        most: rows that are looked at; a thousand take about a second.

    Raises:
        JobRefused: the person may not see the rows, or not all of them have been read.
        SourceError, ResourceError: they cannot be read any more.
    """
    job.require_planned()
    found = job.items.filter(position__gt=after).order_by("position").only("position", "row_key", "job_id")
    items = list(found[: most + 1])
    more, items = len(items) > most, items[:most]
    model: type[Model] | None = job.row_type.model_class() if job.row_type else None
    if model is None or not items:
        return Stale(changed=(), gone=(), looked_at=len(items), after=after, more=False)
    seen = rows_seen_by(user, model, site=site)
    keys = [item.row_key for item in items if item.row_key]
    there = keys_there(seen, _hundreds(keys))
    how = dict(standings(PickedSource(seen, there, which=""), job.version))
    return Stale(
        changed=tuple(item for item in items if how.get(item.row_key) == Standing.CHANGED),
        gone=tuple(item for item in items if item.row_key not in how),
        looked_at=len(items),
        after=items[-1].position,
        more=more,
    )


def _hundreds(keys: list[str]) -> Any:
    rest = iter(keys)
    while some := list(islice(rest, 500)):
        yield some
