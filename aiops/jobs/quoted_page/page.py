"""The steps of a page. Choosing and quoting change nothing; only a confirmed quote starts a job, and only once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.forms import Media
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from aiops.execution import errors as execution
from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Job
from aiops.jobs.quote import quote
from aiops.jobs.quoted_page.forms import ConfirmForm, VersionForm, changed_rows
from aiops.jobs.quoted_page.sentences import budget_sentence, leaving
from aiops.jobs.sources import Source, SourceError
from aiops.jobs.start import start_job
from aiops.resources import ResourceError

if TYPE_CHECKING:
    AnyAdmin = ModelAdmin[Any]

F = TypeVar("F", bound=VersionForm)

REFUSALS = (JobRefused, SourceError, ResourceError, *execution.REFUSALS)
"""Bad choices: each says in one sentence what to do."""


class QuotedPage(ABC, Generic[F]):
    """One request of a page; what the rows are, its subclasses say."""

    def __init__(self, model_admin: AnyAdmin, request: HttpRequest) -> None:
        """Take the request.

        Args:
            model_admin: whose page it is.
            request: GET shows the choices; POST says by `step` what is wanted.
        """
        self.admin = model_admin
        self.request = request

    @abstractmethod
    def title(self) -> str:
        """What the page is for."""

    @abstractmethod
    def back_url(self) -> str:
        """Where the person came from."""

    @abstractmethod
    def form(self, *, posted: bool) -> F:
        """The choices, as they are offered first or as they were made."""

    @abstractmethod
    def source(self, form: F) -> Source:
        """The rows that were chosen in a valid form.

        Raises:
            ResourceError: prompts may read nothing of them.
        """

    def context(self, form: F) -> dict[str, Any]:
        """What the templates show beside what all pages do."""
        return {}

    def after(self) -> Job | None:
        """The job that is run again, where it is one."""
        return None

    def started(self, form: F) -> None:
        """A job was started from the form."""

    def respond(self) -> HttpResponse:
        """The page that comes next."""
        step = self.request.POST.get("step", "")
        if step not in {"choose", "quote", "run"}:
            return self._choose(self.form(posted=False))
        confirm = ConfirmForm(self.request.POST)
        confirmed = step == "run" and confirm.is_valid()
        # Before the choices are looked at: the first press may have used them up.
        if confirmed and (job := self._job_of(confirm.cleaned_data["token"])):
            messages.info(self.request, _("This job was started already; here it is. Nothing was started twice."))
            return self._to_job(job)
        form = self.form(posted=True)
        if not form.is_valid() or step == "choose":
            return self._choose(form)
        try:
            source = self.source(form)
            return self._run(form, source, confirm) if confirmed else self._quote(form, source)
        except REFUSALS as error:
            form.add_error(None, str(error))
            return self._choose(form)

    def _job_of(self, token: UUID) -> Job | None:
        """The job that this person started by a first press of the same button."""
        return Job.objects.filter(token=token, user=self.request.user.pk).first()

    def _choose(self, form: F) -> HttpResponse:
        return self._page({"form": form, **self.context(form)})

    def _quote(self, form: F, source: Source) -> HttpResponse:
        offer = quote(
            form.found,
            source,
            connection=form.alias,
            model=form.model_name,
            user=self.request.user,
            most_cost=form.most_nanos,
            batch=form.is_batch,
        )
        return self._page(
            {
                "quote": offer,
                "version": form.found,
                "leaving": leaving(form.found, source),
                "budgets": [budget_sentence(budget) for budget in offer.budgets],
                "chosen": form.pinned(),
                "live_from": form.live_moment,
                "confirm": ConfirmForm.for_rows(offer.rows, source.fingerprint()),
                **self.context(form),
            }
        )

    def _run(self, form: F, source: Source, confirm: ConfirmForm) -> HttpResponse:
        if confirm.cleaned_data["fingerprint"] != source.fingerprint():
            messages.warning(self.request, changed_rows(confirm.cleaned_data["rows"], source.count()))
            return self._quote(form, source)
        # Pressed twice at the same moment, the slower press gets the job of the quicker one from here.
        job = start_job(
            form.found,
            source,
            user=self.request.user,
            connection=form.alias,
            model=form.model_name,
            token=confirm.cleaned_data["token"],
            most_cost=form.most_nanos,
            again_of=self.after(),
            batch=form.is_batch,
            live_from=form.live_moment,
            priority=form.urgency,
            **form.bounds,
        )
        self.started(form)
        messages.success(self.request, _("The job was started: %(job)s.") % {"job": job})
        return self._to_job(job)

    def _to_job(self, job: Job) -> HttpResponse:
        address = self._address("aiops_job_change", job.pk) if self.request.user.has_perm("aiops.view_job") else ""
        return HttpResponseRedirect(address or self.back_url())

    def _address(self, name: str, *args: Any) -> str:
        """An address in this admin site; empty where it has none: one of the shop's own need not have every page."""
        with suppress(NoReverseMatch):
            return reverse(f"admin:{name}", args=args, current_app=self.admin.admin_site.name)
        return ""

    def _page(self, context: dict[str, Any]) -> HttpResponse:
        opts, title = self.admin.opts, self.title()
        may_add = self.request.user.has_perm("prompts.add_prompt")
        return TemplateResponse(
            self.request,
            "aiops/jobs/run.html",
            {
                **self.admin.admin_site.each_context(self.request),
                "title": title,
                "opts": opts,
                "original": title,
                "has_view_permission": True,
                "media": self.admin.media + Media(css={"all": ["aiops/aiops.css"]}),
                "rows_name": capfirst(opts.verbose_name_plural),
                "back_url": self.back_url(),
                "add_prompt_url": self._address("prompts_prompt_add") if may_add else "",
                **context,
            },
        )
