"""A job once more: over all of its rows or some of them, as they are now."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.db import models
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.jobs.errors import JobRefused
from aiops.jobs.freshness import Standing, in_need
from aiops.jobs.models import Item, ItemQuerySet, Job
from aiops.jobs.seen import is_remakeable, remade, rows_seen_by
from aiops.jobs.sources import Among, PickedSource, Source, SourceRow, keys_there
from aiops.jobs.sources.source import rows_of
from aiops.ledger.models import Budget
from aiops.ledger.scopes import Scope
from aiops.resources import Plain, source_of
from prompts.models import PromptVersion

CHUNK = 1_000
"""Items that are in memory at once."""


class Which(models.TextChoices):
    """Which rows of an earlier job are meant. The database keeps it nowhere: the new job says in words what it is."""

    SAME = "same", gettext_lazy("the same rows, as they are now")
    FAILED = "failed", gettext_lazy("rows that failed")
    CHANGED = "changed", gettext_lazy("rows that have changed since they were answered")
    NEW = "new", gettext_lazy("new rows, chosen as those were")
    ALL = "all", gettext_lazy("all rows, chosen as those were")


def choices_for(job: Job) -> list[Which]:
    """What can be asked for of a job: of a file nothing changes, and of rows that were ticked none are new."""
    if job.row_type is None:
        return [Which.SAME, Which.FAILED]
    anew = [Which.NEW, Which.ALL] if is_remakeable(job.source) else []
    return [Which.SAME, Which.FAILED, Which.CHANGED, *anew]


def bounds_of(job: Job) -> dict[str, int | None]:
    """Where an earlier job was to be paused, as `start_job` takes it."""
    wall = Budget.objects.filter(scope=Scope.JOB, subject=str(job.pk)).order_by("pk").first()
    return {
        "most_cost": wall.cap if wall else None,
        "most_failures": job.most_failures,
        "most_failed_percent": job.most_failed_percent,
    }


def rows_again(
    job: Job, which: Which, *, version: PromptVersion | None = None, user: Any = None, site: AdminSite | None = None
) -> Source:
    """The rows of an earlier job that are meant.

    Args:
        version: that is to be asked, where it is another than the job's.
        user: who asks, and reads no rows but those that the admin gives them; None for all.
        site: of the admin; None for whichever has one of the model.

    Raises:
        JobRefused: the job has no such rows, or the person may not see them.
        SourceError, ResourceError: they cannot be read any more.
    """
    job.require_planned()
    version = version or job.version
    model = _model_of(job)
    if model is None:
        return _of_file(job, which)
    if which in (Which.NEW, Which.ALL):
        whole = remade(job.source, user, site=site)
        return in_need(whole, version, {Standing.NEW}, but=job) if which == Which.NEW else whole
    seen = rows_seen_by(user, model, site=site) if user is not None else source_of(model).source().get_queryset()
    items = job.items.failed() if which == Which.FAILED else job.items.all()
    keys = keys_there(seen, _keys_of(items))
    said = {Which.FAILED: _("that failed in job %(id)s"), Which.SAME: _("as in job %(id)s")}
    same = PickedSource(
        seen,
        keys,
        which=said.get(which, said[Which.SAME]) % {"id": job.pk},
        selection={"again": job.pk, "rows": str(which)},
        among=Among.SOURCE if user is None else Among.SEEN,
        seen_by=user and user.pk,
        site=site.name if site else "",
    )
    return in_need(same, version, {Standing.CHANGED}) if which == Which.CHANGED else same


def _model_of(job: Job) -> type[Model] | None:
    """The model of its rows; None for those of a file.

    Raises:
        JobRefused: there is no such model any more.
    """
    if job.row_type is None:
        if job.items.exclude(row_key="").exists():
            raise JobRefused(_("The model of these rows is gone: there is nothing to read again."))
        return None
    model: type[Model] | None = job.row_type.model_class()
    if model is None:
        raise JobRefused(_("The model of these rows is gone: there is nothing to read again."))
    return model


def _of_file(job: Job, which: Which) -> Source:
    if which not in choices_for(job):
        raise JobRefused(_("The rows of this job came from a file, in which nothing changes: run the new file."))
    return ItemSource(job, failed=which == Which.FAILED)


def _keys_of(items: ItemQuerySet) -> Iterator[list[str]]:
    """Keys of rows, in the order of their items, some at a time and each once."""
    for some in pages(items.exclude(row_key="").only("position", "row_key", "job_id")):
        yield list(dict.fromkeys(item.row_key for item in some))


def pages(items: ItemQuerySet) -> Iterator[list[Item]]:
    """Items of one job in their order, `CHUNK` at a time. Nothing in the database stays open between two."""
    after = 0
    while some := list(items.filter(position__gt=after).order_by("position")[:CHUNK]):
        yield some
        if len(some) < CHUNK:
            return
        after = some[-1].position


class ItemSource:
    """Rows of a file, as an earlier job kept them: the file itself is gone."""

    model: type[Model] | None = None

    def __init__(self, job: Job, *, failed: bool) -> None:
        """Take the items of a job.

        Args:
            failed: only those that failed.
        """
        self._job = job
        self._items = job.items.failed() if failed else job.items.all()
        self.found_again: dict[str, Plain] = {"job": job.pk, "failed": failed}
        """Where another process looks for them."""

    @property
    def variables(self) -> frozenset[str]:
        first = self._items.order_by("position").first()
        return frozenset(first.variables) if first else frozenset()

    def count(self) -> int:
        return self._items.count()

    def fingerprint(self) -> str:
        return f"{self._job.pk} {self.count()}"

    def rows(self, most: int | None = None) -> Generator[SourceRow, None, None]:
        for _position, row in islice(self.numbered(), most):
            yield row

    def numbered(self, after: int = 0) -> Iterator[tuple[int, SourceRow]]:
        """The rows behind a position in the earlier job, each with its own."""
        behind = self._items.filter(position__gt=after)
        for some in pages(behind.only("position", "variables", "job_id")):
            for item in some:
                yield item.position, SourceRow(item.variables)

    def describe(self) -> str:
        return rows_of(self.count(), _("job %(id)s") % {"id": self._job.pk})

    def as_json(self) -> dict[str, Plain]:
        return {"kind": "items", "again": self._job.pk}
