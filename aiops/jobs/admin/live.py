"""How far a job is, as its page shows it and asks for it again every few seconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.calls.models import Call
from aiops.jobs.admin.reading import may_see_items, readable
from aiops.jobs.attendance import attendance_of
from aiops.jobs.models import Item, Job
from aiops.jobs.progress import progress_of

if TYPE_CHECKING:
    from aiops.lists import ReadOnlyAdmin

FAILING, NEWEST = 20, 20
"""Items shown on the page of a job."""


def shown(request: HttpRequest, job: Job, now: datetime) -> dict[str, Any]:
    """What the template of the progress shows: numbers, which lead to the items of those who may see them."""
    progress = progress_of(job, now)
    return {
        "job": job,
        "progress": progress,
        "attendance": attendance_of(job, now),
        "may_see_items": may_see_items(request),
        "counts": [
            (status.value, status.label, progress.counts[status.value])
            for status in (Item.Status.SUCCEEDED, Item.Status.FAILED, Item.Status.CLAIMED, Item.Status.PENDING)
        ],
    }


def rows_of(site: AdminSite, request: HttpRequest, job: Job) -> dict[str, Any]:
    """The items that people look for first, each with its last call as `call`; none to who may not see items.

    What an item holds is shown where it `is_readable`.
    """
    if not may_see_items(request):
        return {}
    items = job.items.all()
    failing = list(items.failed().order_by("position")[:FAILING])
    # Claimed in the order of their positions, so that the last positions are the newest: no index has their times.
    newest = list(items.filter(status=Item.Status.SUCCEEDED).order_by("-position")[:NEWEST])
    shown: list[Any] = [*failing, *newest]
    ids: list[UUID] = [item.call_id for item in shown if item.call_id]
    calls = Call.objects.without_bodies().in_bulk(ids) if ids else {}
    theirs = readable(site, request, shown)
    for item in shown:
        item.call = calls.get(item.call_id)
        item.is_readable = item.pk in theirs
    return {"failing": failing, "newest": newest}


def progress_view(model_admin: ReadOnlyAdmin[Job]) -> Callable[[HttpRequest, int], HttpResponse]:
    """The address that a page asks while it is open; it changes nothing."""

    def view(request: HttpRequest, job_id: int) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        job = model_admin.get_object(request, str(job_id))
        if job is None:
            raise Http404(_("There is no such job."))
        context = {**shown(request, job, timezone.now()), **rows_of(model_admin.admin_site, request, job)}
        progress = context["progress"]
        return JsonResponse(
            {
                **progress.as_json(),
                "at_work": context["attendance"].as_json(),
                "live": progress.is_worth_watching,
                "html": render_to_string("aiops/jobs/progress.html", context, request),
                "rows": render_to_string("aiops/jobs/first_rows.html", context, request),
            }
        )

    return view
