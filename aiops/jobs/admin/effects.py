"""What a person can do to a job: stop it, let it go on, retry what failed. Only ever by a press of a button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.jobs.admin.reading import may_send_rows
from aiops.jobs.control import resume, retry_failed, stop
from aiops.jobs.errors import JobRefused, WrongState
from aiops.jobs.models import Item, Job
from aiops.jobs.progress import Progress
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

    sends: bool = True
    """Whether rows leave the building by it: then the person must be one who may view their model."""


def _resume(job: Job) -> str:
    resume(job)
    return _("The job goes on.")


def _retry(job: Job) -> str:
    return retry_failed(job).sentence()


EFFECTS = {
    "stop": Effect(
        label=gettext_lazy("Stop"),
        do=stop,
        fits=lambda progress: progress.job.status in Job.UNDER_WAY,
        sends=False,
    ),
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


def may_run(model_admin: ReadOnlyAdmin[Job], request: HttpRequest) -> bool:
    """Whether the person may do anything to jobs."""
    return model_admin.has_view_permission(request) and request.user.has_perm("aiops.run_job")


def may_do(model_admin: ReadOnlyAdmin[Job], request: HttpRequest, job: Job, effect: Effect) -> bool:
    """Whether the person may do one thing to one job."""
    allowed = may_run(model_admin, request)
    return allowed and (not effect.sends or may_send_rows(model_admin.admin_site, request, job))


def possible(model_admin: ReadOnlyAdmin[Job], request: HttpRequest, progress: Progress) -> list[tuple[str, object]]:
    """Address and label of the buttons that make sense now."""
    site = model_admin.admin_site.name
    return [
        (reverse(f"admin:aiops_job_{name}", args=(progress.job.pk,), current_app=site), effect.label)
        for name, effect in EFFECTS.items()
        if effect.fits(progress) and may_do(model_admin, request, progress.job, effect)
    ]


def effect_view(model_admin: ReadOnlyAdmin[Job], effect: Effect) -> Callable[[HttpRequest, int], HttpResponse]:
    """The address that a button posts to."""

    def view(request: HttpRequest, job_id: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not may_run(model_admin, request):
            raise PermissionDenied
        job = model_admin.get_object(request, str(job_id))
        if job is None:
            raise Http404(_("There is no such job."))
        if not may_do(model_admin, request, job, effect):
            raise PermissionDenied
        try:
            messages.success(request, effect.do(job))
        except (WrongState, JobRefused, InvalidOption) as error:
            messages.error(request, str(error))
        site = model_admin.admin_site.name
        return HttpResponseRedirect(reverse("admin:aiops_job_change", args=(job.pk,), current_app=site))

    return view
