"""The steps of the page. Choosing and quoting change nothing; only a confirmed quote starts a job, and only once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import quote as quote_key
from django.db.models import Model, QuerySet
from django.forms import Media
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.execution import errors as execution
from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Job
from aiops.jobs.quote import BudgetLeft, quote
from aiops.jobs.run_page.forms import ConfirmForm, RunForm, changed_rows
from aiops.jobs.sources import ModelSource, Source, SourceError
from aiops.jobs.start import start_job
from aiops.ledger.money import dollars
from aiops.resources import ResourceError

if TYPE_CHECKING:
    from prompts.models import PromptVersion

REFUSALS = (JobRefused, SourceError, ResourceError, *execution.REFUSALS)
"""Bad choices: each says in one sentence what to do."""


class RunPage:
    """One request of the page."""

    def __init__(
        self,
        model_admin: ModelAdmin[Any],
        request: HttpRequest,
        queryset: QuerySet[Any],
        *,
        again: list[tuple[str, str]] | None = None,
        row: Model | None = None,
    ) -> None:
        """Take the selection.

        Args:
            model_admin: whose rows; says how they are called.
            request: GET shows the choices; POST says by `step` what is wanted.
            queryset: the selected rows, no others than the user may see.
            again: hidden fields that make the same selection when the form is posted.
            row: the row whose page was left, where it is but one.
        """
        self.admin = model_admin
        self.request = request
        self.queryset = queryset
        self.again = again or []
        self.row = row

    def respond(self) -> HttpResponse:
        """The page that comes next."""
        step = self.request.POST.get("step", "")
        if step not in {"choose", "quote", "run"}:
            return self._choose(self._form())
        form = self._form(self.request.POST)
        if step == "choose" or not form.is_valid():
            return self._choose(form)
        try:
            rows = form.rows(self.queryset)
            if step == "run":
                return self._run(form, rows)
            return self._quote(form, rows)
        except REFUSALS as error:
            form.add_error(None, str(error))
            return self._choose(form)

    def _form(self, data: QueryDict | None = None) -> RunForm:
        return RunForm(self.queryset.model, data, one_row=self.row is not None)

    def _choose(self, form: RunForm) -> HttpResponse:
        return self._page({"form": form})

    def _quote(self, form: RunForm, rows: ModelSource) -> HttpResponse:
        offer = quote(form.found, rows, connection=form.alias)
        return self._page(
            {
                "quote": offer,
                "version": form.found,
                "leaving": leaving(form.found, rows),
                "budgets": [budget_sentence(budget) for budget in offer.budgets],
                "chosen": form.pinned(),
                "confirm": ConfirmForm.for_rows(offer.rows),
            }
        )

    def _run(self, form: RunForm, rows: ModelSource) -> HttpResponse:
        confirm = ConfirmForm(self.request.POST)
        if not confirm.is_valid():
            return self._quote(form, rows)
        token: UUID = confirm.cleaned_data["token"]
        if job := Job.objects.filter(token=token).first():
            return self._to_job(job, again=True)
        quoted, now = confirm.cleaned_data["rows"], rows.count()
        if quoted != now:
            messages.warning(self.request, changed_rows(quoted, now))
            return self._quote(form, rows)
        # Pressed twice at the same moment, the slower press gets the job of the quicker one from here.
        job = start_job(form.found, rows, user=self.request.user, connection=form.alias, token=token)
        return self._to_job(job)

    def _to_job(self, job: Job, *, again: bool = False) -> HttpResponse:
        if again:
            messages.info(self.request, _("This job was started already; here it is. Nothing was started twice."))
        else:
            messages.success(self.request, _("The job was started: %(job)s.") % {"job": job})
        site = self.admin.admin_site
        try:
            if self.request.user.has_perm("aiops.view_job"):
                return HttpResponseRedirect(reverse(f"{site.name}:aiops_job_change", args=[job.pk]))
        except NoReverseMatch:
            # A site of the shop's own need not have the page of jobs.
            pass
        return HttpResponseRedirect(self._back())

    def _back(self) -> str:
        if self.row is None:
            return self.request.get_full_path()
        name = f"{self.admin.admin_site.name}:{self.admin.opts.app_label}_{self.admin.opts.model_name}_change"
        return reverse(name, args=[quote_key(self.row.pk)])

    def _add_prompt(self) -> str:
        if not self.request.user.has_perm("prompts.add_prompt"):
            return ""
        try:
            return reverse(f"{self.admin.admin_site.name}:prompts_prompt_add")
        except NoReverseMatch:
            return ""

    def _page(self, context: dict[str, Any]) -> HttpResponse:
        count = self.queryset.count()
        opts = self.admin.opts
        title = ngettext("Run a prompt on %(count)s %(one)s", "Run a prompt on %(count)s %(many)s", count) % {
            "count": f"{count:,}",
            "one": opts.verbose_name,
            "many": opts.verbose_name_plural,
        }
        return TemplateResponse(
            self.request,
            "aiops/jobs/run.html",
            {
                **self.admin.admin_site.each_context(self.request),
                "title": title,
                "subtitle": str(self.row) if self.row is not None else None,
                "opts": opts,
                "original": title,
                "has_view_permission": True,
                "media": self.admin.media + Media(css={"all": ["aiops/aiops.css"]}),
                "rows_name": capfirst(opts.verbose_name_plural),
                "back_url": self._back(),
                "add_prompt_url": self._add_prompt(),
                "again": self.again,
                **context,
            },
        )


def leaving(version: PromptVersion, rows: Source) -> str:
    """The fields that the version reads: of what may leave the building, what will."""
    return ", ".join(sorted((version.variables | version.optional) & rows.variables)) or _("nothing of the rows")


def budget_sentence(budget: BudgetLeft) -> str:
    """What the job may take of one budget, in a sentence."""
    words = {"name": budget.name, "left": dollars(budget.left)}
    if budget.after is None:
        return _("Budget “%(name)s”: %(left)s left.") % words
    words["cost"] = dollars(budget.left - budget.after)
    if budget.after < 0:
        return _("Budget “%(name)s”: %(left)s left, which may not be enough; the job pauses when it is spent.") % words
    return _("Budget “%(name)s”: %(left)s left, of which this takes %(cost)s at most.") % words
