"""What a person can do to a job: stop it, let it go on, retry what failed. Only ever by a press of a button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.jobs.admin.reading import may_send_rows
from aiops.jobs.control import resume, retry_failed, set_priority, stop
from aiops.jobs.errors import JobRefused, WrongState
from aiops.jobs.models import Item, Job, Priority
from aiops.jobs.progress import Progress
from aiops.jobs.under_way import under_way
from aiops.options import InvalidOption

if TYPE_CHECKING:
    from aiops.lists import ReadOnlyAdmin


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One button of the page of a job."""

    label: object

    do: Callable[[Job], str]
    """Does it, and says in one sentence what was done."""

    fits: Callable[[Progress], bool]
    """Whether the button is shown. Whether it may really be done, the job itself decides."""

    asks: bool = False
    """Whether the button leads to a page that says what it costs, and has the real one."""

    sends: bool = True
    """Whether rows leave the building by it: then the person must be one who may view their model."""


def _resume(job: Job) -> str:
    resume(job)
    return _("The job goes on.")


def _stop_now(job: Job) -> str:
    return stop(job, give_up=True)


def _may_be_at_work(progress: Progress) -> bool:
    """Whether calls may be under way, or may begin at any moment."""
    if progress.job.status == Job.Status.STOPPED:
        return progress.counts[Item.Status.CLAIMED] > 0 and not progress.job.stopped_now
    return progress.job.status in (Job.Status.RUNNING, Job.Status.PAUSED)


def _retry(job: Job) -> str:
    return retry_failed(job).sentence()


EFFECTS = {
    "stop": Effect(
        label=gettext_lazy("Stop"),
        do=stop,
        fits=lambda progress: progress.job.status in Job.UNDER_WAY,
        sends=False,
    ),
    "stop_now": Effect(label=gettext_lazy("Stop now…"), do=_stop_now, fits=_may_be_at_work, asks=True, sends=False),
    "resume": Effect(
        label=gettext_lazy("Resume"),
        do=_resume,
        fits=lambda progress: progress.job.status in (Job.Status.PAUSED, Job.Status.STOPPED),
    ),
    "retry": Effect(
        label=gettext_lazy("Retry failed"),
        do=_retry,
        fits=lambda progress: progress.job.status != Job.Status.PLANNING and progress.counts[Item.Status.FAILED] > 0,
    ),
}


for priority in Priority:
    # One address each: what a button does is said by where it leads.
    EFFECTS[f"priority_{priority.word}"] = Effect(
        label=priority.label, do=partial(set_priority, priority=priority), fits=lambda progress: False, sends=False
    )


def may_run(model_admin: ReadOnlyAdmin[Job], request: HttpRequest) -> bool:
    """Whether the person may do anything to jobs."""
    return model_admin.has_view_permission(request) and request.user.has_perm("aiops.run_job")


def may_do(model_admin: ReadOnlyAdmin[Job], request: HttpRequest, job: Job, effect: Effect) -> bool:
    """Whether the person may do one thing to one job."""
    allowed = may_run(model_admin, request)
    return allowed and (not effect.sends or may_send_rows(model_admin.admin_site, request, job))


def possible(model_admin: ReadOnlyAdmin[Job], request: HttpRequest, progress: Progress) -> list[tuple[str, Effect]]:
    """The buttons that make sense now, each with its address."""
    site = model_admin.admin_site.name
    return [
        (reverse(f"admin:aiops_job_{name}", args=(progress.job.pk,), current_app=site), effect)
        for name, effect in EFFECTS.items()
        if effect.fits(progress) and may_do(model_admin, request, progress.job, effect)
    ]


def priorities(model_admin: ReadOnlyAdmin[Job], request: HttpRequest, job: Job) -> list[tuple[str, object]]:
    """Address and label of the priorities that it might have instead; none where it makes no difference."""
    if job.status == Job.Status.FINISHED or not may_run(model_admin, request):
        return []
    site = model_admin.admin_site.name
    return [
        (reverse(f"admin:aiops_job_priority_{one.word}", args=(job.pk,), current_app=site), one.label)
        for one in Priority
        if one != job.priority
    ]


def effect_view(model_admin: ReadOnlyAdmin[Job], effect: Effect) -> Callable[[HttpRequest, int], HttpResponse]:
    """The address that a button posts to; where it asks first, also of the page that asks, which changes nothing."""
    methods = ["GET", "HEAD", "POST"] if effect.asks else ["POST"]

    def view(request: HttpRequest, job_id: int) -> HttpResponse:
        if request.method not in methods:
            return HttpResponseNotAllowed(methods)
        if not may_run(model_admin, request):
            raise PermissionDenied
        job = model_admin.get_object(request, str(job_id))
        if job is None:
            raise Http404(_("There is no such job."))
        if not may_do(model_admin, request, job, effect):
            raise PermissionDenied
        if request.method != "POST":
            return _asked(model_admin, request, job)
        try:
            messages.success(request, effect.do(job))
        except (WrongState, JobRefused, InvalidOption) as error:
            messages.error(request, str(error))
        site = model_admin.admin_site.name
        return HttpResponseRedirect(reverse("admin:aiops_job_change", args=(job.pk,), current_app=site))

    return view


def _asked(model_admin: ReadOnlyAdmin[Job], request: HttpRequest, job: Job) -> HttpResponse:
    """What stopping it now throws away, and the button."""
    site = model_admin.admin_site
    context = {
        **site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Stop job %(id)s now") % {"id": job.pk},
        "subtitle": str(job),
        # What the last of the breadcrumbs says.
        "original": _("Stop job %(id)s now") % {"id": job.pk},
        "media": model_admin.media,
        "has_view_permission": True,
        "told": under_way(job).sentence(),
        "in_batches": job.batches.open().exists(),
        "back_url": reverse("admin:aiops_job_change", args=(job.pk,), current_app=site.name),
    }
    return TemplateResponse(request, "aiops/jobs/stop_now.html", context)
