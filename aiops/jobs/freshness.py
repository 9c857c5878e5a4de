"""Which rows need a prompt (again): those it never answered, and those that have changed since it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from enum import Enum, auto
from itertools import islice
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Max, Model, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.jobs.errors import JobRefused
from aiops.jobs.inputs import Inputs, kept
from aiops.jobs.models import Item, Job
from aiops.jobs.sources import ModelSource, PickedSource
from prompts.models import PromptVersion

CHUNK = 1_000
"""Rows whose latest items are looked up at once."""

OF_THE_ROW = ("cut_off", "empty", "filtered", "prompt", "quarantined", "refused", "schema", "too_long")
"""Errors that come of what a row holds, and come again; others come of the provider or of the money."""

MOST_FAILURES = 3
"""A row over which a version failed so often in one of these ways is left out, until it or the version changes."""


class Standing(Enum):
    """How a row stands with a prompt."""

    NEW = auto()
    """It was never answered, and is not about to be."""

    CHANGED = auto()
    """It was, or is about to be, and a variable that the version reads is another one now."""

    SAME = auto()

    HOPELESS = auto()
    """New or changed, but this very version failed over what it holds now so often that it is not asked again."""


def standings(source: ModelSource, version: PromptVersion) -> Iterator[tuple[str, Standing]]:
    """Key and standing of each row of a source, in its order. The whole source is read for it.

    What counts is the latest item of the row, in whichever job of the prompt, whatever version it was: a version that
    reads the same variables is no reason to ask again, one that reads others is.
    """
    inputs, rows = Inputs(version), source.rows()
    while some := list(islice(rows, CHUNK)):
        now = {row.key: kept(inputs.digest(row.variables)) for row in some if row.key is not None}
        then = latest_inputs(version.prompt_id, source.model, now)
        how = {key: _standing(told, then.get(key), key in then) for key, told in now.items()}
        needy = [key for key, standing in how.items() if standing != Standing.SAME]
        failed = _failures(version, source.model, needy) if needy else Counter()
        for key, standing in how.items():
            yield key, Standing.HOPELESS if failed[key, now[key]] >= MOST_FAILURES else standing


def _standing(now: int, then: int | None, was_answered: bool) -> Standing:
    if not was_answered:
        return Standing.NEW
    return Standing.SAME if then in (now, None) else Standing.CHANGED


def _failures(version: PromptVersion, model: type[Model], keys: Collection[str]) -> Counter[tuple[str, int | None]]:
    """How often a version failed over rows as they were, by key and what they held."""
    items = Item.objects.failed().filter(
        job__version=version,
        job__row_type=ContentType.objects.get_for_model(model),
        row_key__in=keys,
        error_kind__in=OF_THE_ROW,
    )
    return Counter(items.order_by().values_list("row_key", "inputs"))


def latest_inputs(prompt_id: int, model: type[Model], keys: Collection[str]) -> dict[str, int | None]:
    """Key → what a row held when a prompt was last asked about it and answered, or will have by what is under way.

    Not in it are rows that were never answered: those that only ever failed among them.
    """
    about = Q(job__version__prompt=prompt_id, job__row_type=ContentType.objects.get_for_model(model))
    answered = Q(status=Item.Status.SUCCEEDED)
    under_way = Q(status__in=Item.OPEN, job__status__in=Job.UNDER_WAY)
    items = Item.objects.filter(about, answered | under_way, row_key__in=keys).order_by()
    latest = items.values("row_key").annotate(latest=Max("pk")).values_list("latest", flat=True)
    return dict(Item.objects.filter(pk__in=list(latest)).values_list("row_key", "inputs"))


def in_need(
    source: ModelSource,
    version: PromptVersion,
    standing: Collection[Standing],
    *,
    but: Job | None = None,
    limit: int | None = None,
) -> PickedSource:
    """Of a source, the rows that stand so with the prompt.

    Args:
        but: a job whose rows are left out, however they stand.
        limit: only the first so many.

    Raises:
        JobRefused: another job has rows that nobody can see yet, and that it is about to ask.
    """
    _require_read(version, source.model)
    field = source.model._meta.pk
    wanted, hopeless = {*standing, Standing.HOPELESS}, 0
    found = ((key, how) for key, how in standings(source, version) if how in wanted)
    keys: list[Any] = []
    while some := list(islice(found, CHUNK)):
        hopeless += sum(how == Standing.HOPELESS for _key, how in some)
        needy = [key for key, how in some if how != Standing.HOPELESS]
        asked = set(but.items.filter(row_key__in=needy).values_list("row_key", flat=True)) if but else set()
        keys += [field.to_python(key) for key in needy if key not in asked]
        if limit is not None and len(keys) >= limit:
            keys = keys[:limit]
            break
    selection = {name: value for name, value in source.as_json().items() if name != "kind"}
    which = _which(standing)
    if hopeless:
        left = ngettext(
            "%(n)s left out that failed %(times)s times", "%(n)s left out that failed %(times)s times each", hopeless
        ) % {"n": f"{hopeless:,}", "times": MOST_FAILURES}
        which = f"{which}; {left}"
    return PickedSource(source.queryset, keys, which=which, selection=selection, **source.found_again)


def _require_read(version: PromptVersion, model: type[Model]) -> None:
    """See that every row that is about to be asked is an item: else it would be taken for a new one, and paid twice."""
    about = Job.objects.under_way().filter(
        version__prompt=version.prompt_id, row_type=ContentType.objects.get_for_model(model), planned_at=None
    )
    if unread := about.order_by("pk").values_list("pk", flat=True).first():
        raise JobRefused(
            _("The rows of job %(id)s are still being read, and may be the same: wait for it, or stop it first.")
            % {"id": unread}
        )


def _which(standing: Collection[Standing]) -> str:
    if set(standing) == {Standing.CHANGED}:
        return _("changed since they were answered")
    if set(standing) == {Standing.NEW}:
        return _("not answered before")
    return _("new, or changed since they were answered")
