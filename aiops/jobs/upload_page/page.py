"""The page over the rows of a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.jobs.admin.effects import may_run
from aiops.jobs.models import Job
from aiops.jobs.quoted_page.page import QuotedPage
from aiops.jobs.sources import FileSource
from aiops.jobs.upload_page.form import UploadForm
from aiops.jobs.upload_page.kept import sweep

if TYPE_CHECKING:
    from aiops.lists import ReadOnlyAdmin


def upload_view(model_admin: ReadOnlyAdmin[Job]) -> Callable[[HttpRequest], HttpResponse]:
    """The address of the page."""

    def view(request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD", "POST"}:
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if not may_run(model_admin, request):
            raise PermissionDenied
        return UploadPage(model_admin, request).respond()

    return view


class UploadPage(QuotedPage[UploadForm]):
    """One request of the page."""

    def title(self) -> str:
        return _("Run a prompt on a file")

    def back_url(self) -> str:
        return reverse("admin:aiops_job_changelist", current_app=self.admin.admin_site.name)

    def form(self, *, posted: bool) -> UploadForm:
        """The choices; those of an address are offered first."""
        request = self.request
        if not posted:
            chosen = {name: request.GET[name] for name in ("prompt", "version") if name in request.GET}
            return UploadForm(request.user, initial=chosen)
        if request.POST.get("step") == "quote":
            sweep(timezone.now())
        return UploadForm(request.user, request.POST, request.FILES)

    def source(self, form: UploadForm) -> FileSource:
        return form.source

    def context(self, form: UploadForm) -> dict[str, Any]:
        kept = form.kept_file
        return {"kept": kept, "kept_signed": kept.signed(self.request.user) if kept else ""}

    def started(self, form: UploadForm) -> None:
        if form.kept_file is not None:
            form.kept_file.drop()
