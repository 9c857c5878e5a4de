"""The page over the rows of an earlier job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse
from django.utils.translation import gettext as _

from aiops.jobs.admin.effects import may_run
from aiops.jobs.admin.reading import may_take_rows
from aiops.jobs.again import Which, choices_for, rows_again
from aiops.jobs.again_page.form import AgainForm, settings_of
from aiops.jobs.models import Job
from aiops.jobs.quoted_page.page import QuotedPage
from aiops.jobs.sources import Source

if TYPE_CHECKING:
    from aiops.lists import ReadOnlyAdmin


def again_view(model_admin: ReadOnlyAdmin[Job]) -> Callable[[HttpRequest, int], HttpResponse]:
    """The address of the page."""

    def view(request: HttpRequest, job_id: int) -> HttpResponse:
        if request.method not in {"GET", "HEAD", "POST"}:
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if not may_run(model_admin, request):
            raise PermissionDenied
        job = model_admin.get_object(request, str(job_id))
        if job is None:
            raise Http404(_("There is no such job."))
        if not may_take_rows(model_admin.admin_site, request, job):
            raise PermissionDenied
        return AgainPage(model_admin, request, job).respond()

    return view


class AgainPage(QuotedPage[AgainForm]):
    """One request of the page."""

    def __init__(self, model_admin: ReadOnlyAdmin[Job], request: HttpRequest, job: Job) -> None:
        """Take the request.

        Args:
            model_admin: as in `QuotedPage`.
            request: as in `QuotedPage`.
            job: the earlier one.
        """
        super().__init__(model_admin, request)
        self.job = job

    def title(self) -> str:
        return _("Run job %(id)s again") % {"id": self.job.pk}

    def back_url(self) -> str:
        return reverse("admin:aiops_job_change", args=(self.job.pk,), current_app=self.admin.admin_site.name)

    def after(self) -> Job:
        return self.job

    def form(self, *, posted: bool) -> AgainForm:
        """The choices; those of the job, and of an address, are offered first."""
        user = self.request.user
        if posted:
            return AgainForm(self.job, self.request.POST, user=user)
        wanted = self.request.GET.get("rows", "")
        which = wanted if wanted in choices_for(self.job) else Which.SAME
        return AgainForm(self.job, user=user, initial={**settings_of(self.job), "which": which})

    def source(self, form: AgainForm) -> Source:
        site = self.admin.admin_site
        return rows_again(self.job, form.which_rows, version=form.found, user=self.request.user, site=site)

    def context(self, form: AgainForm) -> dict[str, Any]:
        return {"subtitle": str(self.job)}
