"""Who may read what items hold: variables, excerpt, answer, and the text of an error, which may quote the answer.

To see items at all takes the permission `aiops.view_item`. What they hold is a customer's text, and is shown to
those who may read any of it (`aiops.view_call_body`); else, of a job over a model, for the rows that the model's
admin gives them; else, of a job over a file, to the person who started the job. For everybody else an item is its
position, the key of its row, its state, kind of error, tokens and cost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.contrib.admin import AdminSite
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from aiops.jobs.models import Item, Job
from aiops.row_links import admins_of, given_keys

NOT_THEIRS = _("What the row held is not yours to read.")
"""Stands where it would be shown."""


def may_see_items(request: HttpRequest) -> bool:
    """Whether the person may see items at all."""
    return bool(request.user.has_perm("aiops.view_item"))


def readable(site: AdminSite, request: HttpRequest, items: Iterable[Item]) -> set[int]:
    """Primary keys of the items that the person may read; one query for each model whose rows they are.

    Args:
        items: with their `job` and its `row_type` at hand.
    """
    items = list(items)
    if not may_see_items(request):
        return set()
    if request.user.has_perm("aiops.view_call_body"):
        return {item.pk for item in items}
    found = {item.pk for item in items if _is_of_file(item) and item.job.user_id == request.user.pk}
    by_kind: defaultdict[ContentType, list[Item]] = defaultdict(list)
    for item in items:
        if item.job.row_type is not None and item.row_key:
            by_kind[item.job.row_type].append(item)
    for kind, of_kind in by_kind.items():
        given = given_keys(site, request, kind, {item.row_key for item in of_kind})
        found |= {item.pk for item in of_kind if item.row_key in given}
    return found


def may_send_rows(site: AdminSite, request: HttpRequest, job: Job) -> bool:
    """Whether the person may have rows of a job sent (again): of a model, those who may view it."""
    if job.row_type is None:
        # Of a file, or of a model that is no longer known.
        return bool(request.user.has_perm("aiops.view_call_body")) or not job.items.exclude(row_key="").exists()
    may_view = f"{job.row_type.app_label}.view_{job.row_type.model}"
    return bool(admins_of(site, request, job.row_type)) or bool(request.user.has_perm(may_view))


def may_take_rows(site: AdminSite, request: HttpRequest, job: Job) -> bool:
    """Whether the person may have rows of a job as a job of their own, in which they read what is in them."""
    if job.row_type is not None:
        # They are read anew, and are only those that the person is given.
        return may_send_rows(site, request, job)
    return bool(request.user.has_perm("aiops.view_call_body")) or (
        job.user_id == request.user.pk and not job.items.exclude(row_key="").exists()
    )


def _is_of_file(item: Item) -> bool:
    """A row of a file has no key; one of a model that is no longer known still has its own."""
    return item.job.row_type_id is None and not item.row_key
