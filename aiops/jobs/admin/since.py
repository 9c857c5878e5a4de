"""What has become of the rows of a job since: on its page for a small one, on a page of its own for each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from aiops.jobs.admin.effects import may_run
from aiops.jobs.admin.reading import may_see_items, may_take_rows
from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Job
from aiops.jobs.seen import is_remakeable
from aiops.jobs.sources import SourceError
from aiops.jobs.stale import stale_rows
from aiops.resources import ResourceError
from prompts.numbers import number_in

if TYPE_CHECKING:
    from aiops.lists import ReadOnlyAdmin

FEW = 200
"""Rows that the page of a job looks at by itself: reading them takes a tenth of a second."""

MANY = 2_000
"""Rows that are looked at for one page of their own."""


def since(model_admin: ReadOnlyAdmin[Job], request: HttpRequest, job: Job) -> dict[str, Any]:
    """What the page of a job says of its rows since, and the ways to run it again, for those who may."""
    if job.ended_at is None or job.planned_at is None or not may_run(model_admin, request):
        return {}
    site = model_admin.admin_site
    if not may_take_rows(site, request, job):
        return {}
    again = reverse("admin:aiops_job_again", args=(job.pk,), current_app=site.name)
    shown: dict[str, Any] = {"again_url": again, "schedule_url": _as_schedule(model_admin, request, job)}
    if job.row_type is None or not may_see_items(request):
        return shown
    shown["changed_url"] = reverse("admin:aiops_job_changed", args=(job.pk,), current_app=site.name)
    if job.item_count <= FEW:
        # A source that cannot be read any more is told where it is asked for.
        with suppress(JobRefused, SourceError, ResourceError):
            shown["stale"] = stale_rows(job, request.user, site=site, most=FEW)
    return shown


def _as_schedule(model_admin: ReadOnlyAdmin[Job], request: HttpRequest, job: Job) -> str:
    """To a new schedule that does the same; empty where nothing can be chosen anew, or the site has no such page."""
    from aiops.jobs.schedules.model import JobSchedule

    admin = model_admin.admin_site._registry.get(JobSchedule)
    if admin is None or not is_remakeable(job.source) or not admin.has_add_permission(request):
        return ""
    add = reverse("admin:aiops_jobschedule_add", current_app=model_admin.admin_site.name)
    return f"{add}?job={job.pk}"


def changed_view(model_admin: ReadOnlyAdmin[Job]) -> Callable[[HttpRequest, int], HttpResponse]:
    """The page of rows that have changed since."""

    def view(request: HttpRequest, job_id: int) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not (may_run(model_admin, request) and may_see_items(request)):
            raise PermissionDenied
        job = model_admin.get_object(request, str(job_id))
        if job is None:
            raise Http404(_("There is no such job."))
        site = model_admin.admin_site
        if not may_take_rows(site, request, job):
            raise PermissionDenied
        refused, stale = "", None
        try:
            after = number_in(request.GET.get("after", "")) or 0
            stale = stale_rows(job, request.user, site=site, after=after, most=MANY)
        except (JobRefused, SourceError, ResourceError) as error:
            refused = str(error)
        context = {
            **site.each_context(request),
            "opts": model_admin.opts,
            "original": job,
            "title": _("Rows of job %(id)s that have changed") % {"id": job.pk},
            "subtitle": str(job),
            "media": model_admin.media,
            "has_view_permission": True,
            "job": job,
            "stale": stale,
            "refused": refused,
            "again_url": reverse("admin:aiops_job_again", args=(job.pk,), current_app=site.name),
        }
        return TemplateResponse(request, "aiops/jobs/changed.html", context)

    return view
