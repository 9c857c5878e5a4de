"""The steps of the page. Choosing and quoting start nothing; only a confirmed quote starts a job, and only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.jobs.admin.effects import may_run
from aiops.jobs.models import Job
from aiops.jobs.quote import quote
from aiops.jobs.run_page.forms import ConfirmForm
from aiops.jobs.run_page.page import REFUSALS, budget_sentence, leaving
from aiops.jobs.start import start_job
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


class UploadPage:
    """One request of the page."""

    def __init__(self, model_admin: ReadOnlyAdmin[Job], request: HttpRequest) -> None:
        self.admin = model_admin
        self.request = request

    def respond(self) -> HttpResponse:
        """The page that comes next."""
        step = self.request.POST.get("step", "")
        if step not in {"choose", "quote", "run"}:
            chosen = {name: self.request.GET[name] for name in ("prompt", "version") if name in self.request.GET}
            return self._choose(UploadForm(self.request.user, initial=chosen))
        confirm = ConfirmForm(self.request.POST)
        if step == "run" and confirm.is_valid():
            # Before the file is looked at: the first press has used it up.
            started = Job.objects.filter(token=confirm.cleaned_data["token"], user=self.request.user.pk).first()
            if started is not None:
                messages.info(self.request, _("This job was started already; here it is. Nothing was started twice."))
                return self._to_job(started)
        if step == "quote":
            sweep(timezone.now())
        form = UploadForm(self.request.user, self.request.POST, self.request.FILES)
        if not form.is_valid() or step == "choose":
            return self._choose(form)
        try:
            if step == "run" and confirm.is_valid():
                return self._run(form, confirm)
            return self._quote(form)
        except REFUSALS as error:
            form.add_error(None, str(error))
            return self._choose(form)

    def _choose(self, form: UploadForm) -> HttpResponse:
        kept = form.kept_file
        return self._page({"form": form, "kept": kept, "kept_signed": kept.signed(self.request.user) if kept else ""})

    def _quote(self, form: UploadForm) -> HttpResponse:
        offer = quote(form.found, form.source, connection=form.alias)
        return self._page(
            {
                "quote": offer,
                "version": form.found,
                "leaving": leaving(form.found, form.source),
                "budgets": [budget_sentence(budget) for budget in offer.budgets],
                "chosen": form.pinned(),
                "confirm": ConfirmForm.for_rows(offer.rows),
            }
        )

    def _run(self, form: UploadForm, confirm: ConfirmForm) -> HttpResponse:
        job = start_job(
            form.found,
            form.source,
            user=self.request.user,
            connection=form.alias,
            token=confirm.cleaned_data["token"],
        )
        if form.kept_file is not None:
            form.kept_file.drop()
        messages.success(self.request, _("The job was started: %(job)s.") % {"job": job})
        return self._to_job(job)

    def _to_job(self, job: Job) -> HttpResponse:
        site = self.admin.admin_site.name
        return HttpResponseRedirect(reverse("admin:aiops_job_change", args=(job.pk,), current_app=site))

    def _page(self, context: dict[str, Any]) -> HttpResponse:
        site = self.admin.admin_site
        try:
            add_prompt = reverse("admin:prompts_prompt_add", current_app=site.name)
        except NoReverseMatch:
            add_prompt = ""
        return TemplateResponse(
            self.request,
            "aiops/jobs/run_file.html",
            {
                **site.each_context(self.request),
                "title": _("Run a prompt on a file"),
                "opts": self.admin.opts,
                "original": _("Run a prompt on a file"),
                "has_view_permission": True,
                "media": self.admin.media,
                "rows_name": self.admin.opts.verbose_name_plural,
                "back_url": reverse("admin:aiops_job_changelist", current_app=site.name),
                "add_prompt_url": add_prompt if self.request.user.has_perm("prompts.add_prompt") else "",
                **context,
            },
        )
