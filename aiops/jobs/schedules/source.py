"""The rows of a schedule, as they are now."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext as _

from aiops.jobs.errors import JobRefused
from aiops.jobs.freshness import Standing, in_need
from aiops.jobs.schedules.model import JobSchedule
from aiops.jobs.seen import remade
from aiops.jobs.sources import ModelSource
from aiops.resources import Plain
from prompts.models import PromptVersion

STANDINGS: dict[str, Collection[Standing]] = {
    JobSchedule.Only.CHANGED: {Standing.NEW, Standing.CHANGED},
    JobSchedule.Only.NEW: {Standing.NEW},
}


def whole_source(schedule: JobSchedule) -> ModelSource:
    """All rows that are meant, whether they need it or not: what its owner sees of them.

    Raises:
        JobRefused: the owner may not see them, or is gone.
        SourceError, ResourceError: what was chosen makes no sense.
    """
    if schedule.owner is None:
        raise JobRefused(_("The schedule has no owner: choose one, with whose permissions it runs."))
    if not (schedule.owner.is_active and schedule.owner.has_perm("aiops.run_job")):
        words = {"user": schedule.owner}
        raise JobRefused(_("%(user)s may not run jobs: give the permission, or choose another owner.") % words)
    is_empty = schedule.only == JobSchedule.Only.EMPTY
    selection: dict[str, Plain] = {
        "kind": "model",
        "model": schedule.row_model,
        "filters": [*schedule.filter_lines],
        "list": schedule.list_query.strip().lstrip("?"),
        "empty": schedule.empty if is_empty else "",
        # Of those that need it so many: whoever is to be looked at first cannot be cut before.
        "limit": None if schedule.only in STANDINGS else schedule.most_rows,
    }
    return remade(selection, schedule.owner)


def rows_in_need(schedule: JobSchedule, version: PromptVersion, source: ModelSource) -> ModelSource:
    """Of them, those that are to be asked in this run."""
    standing = STANDINGS.get(schedule.only)
    if standing is None:
        return source
    return in_need(source, version, standing, limit=schedule.most_rows)
