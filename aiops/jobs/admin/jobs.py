"""The pages of jobs: the list, and the page that says how far one is and what can be done about it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.calls.filters import ConnectionFilter, StatusFilter, VersionFilter
from aiops.jobs.admin import effects, live
from aiops.jobs.admin.downloads import download_view, downloads
from aiops.jobs.admin.seen import seen_view
from aiops.jobs.admin.since import changed_view, since
from aiops.jobs.again_page import again_view
from aiops.jobs.models import Item, Job
from aiops.jobs.progress import counts_of
from aiops.jobs.results import Format
from aiops.jobs.upload_page import upload_view
from aiops.lists import BoundedChangeList, ReadOnlyAdmin
from aiops.templatetags.aiops_format import ago, count, marked, money, status_mark


class VersionOfJob(VersionFilter):
    """By version."""

    field = "version"


class JobList(BoundedChangeList):
    """A page of jobs, with what their items have come to in one query for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        jobs = list(self.result_list)
        found = counts_of(jobs)
        for job in jobs:
            job.counts = found[job.pk]
        self.result_list = jobs


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin[Job]):
    """Jobs, newest first."""

    page_template = "aiops/jobs/job.html"
    change_list_template = "admin/aiops/job/change_list.html"
    list_display = ("shown_status", "version", "source_text", "progress", "shown_cost", "user", "started")
    list_display_links = ("shown_status", "version")
    list_filter = (StatusFilter, ConnectionFilter, VersionOfJob)
    ordering = ("-id",)
    allowed_lookups: ClassVar[frozenset[str]] = frozenset({"id__lt", "schedule"})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        related = super().get_queryset(request).select_related("version__prompt", "user", "row_type", "schedule")
        return related.defer("version__messages", "version__parameters", "source")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return JobList

    def lookup_beyond(self, params: Any) -> str | None:
        return "id__lt"

    def get_urls(self) -> list[URLPattern]:
        """Adds what the page of a job leads to."""

        def address(route: str, view: Any, name: str) -> URLPattern:
            pattern: URLPattern = path(
                f"<int:job_id>/{route}/", self.admin_site.admin_view(view), name=f"aiops_job_{name}"
            )
            return pattern

        run_file = self.admin_site.admin_view(upload_view(self))
        own = [
            path("run-file/", run_file, name="aiops_job_run_file"),
            path("seen/", self.admin_site.admin_view(seen_view(self)), name="aiops_job_seen"),
            address("again", again_view(self), "again"),
            address("changed", changed_view(self), "changed"),
            address("progress", live.progress_view(self), "progress"),
            *(
                address(name.replace("_", "-"), effects.effect_view(self, effect), name)
                for name, effect in effects.EFFECTS.items()
            ),
            *(address(f"results.{kind}", download_view(self, kind), f"results_{kind}") for kind in Format),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the way to a job over a file for those who may start one."""
        url = reverse("admin:aiops_job_run_file", current_app=self.admin_site.name)
        run_file = {"run_file_url": url if effects.may_run(self, request) else ""}
        return super().changelist_view(request, {**run_file, **(extra_context or {})})

    @admin.display(description=gettext_lazy("status"))
    def shown_status(self, job: Job) -> SafeString:
        return status_mark(job)

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, job: Any) -> SafeString:
        """`143 of 202`, and how many of them failed; `12,000 read` while nobody knows how many it will be."""
        if job.planned_at is None:
            return format_html('<span class="aiops-nowrap">{}</span>', _("%(n)s read") % {"n": count(job.item_count)})
        done = job.item_count - sum(job.counts[status] for status in Item.OPEN)
        failed = job.counts[Item.Status.FAILED]
        text = _("%(done)s of %(total)s") % {"done": count(done), "total": count(job.item_count)}
        bar = format_html('<progress max="{}" value="{}" aria-hidden="true"></progress>', job.item_count or 1, done)
        note = marked("failed", _("%(n)s failed") % {"n": count(failed)}) if failed else ""
        return format_html('{}<span class="aiops-nowrap">{}</span> {}', bar, text, note)

    @admin.display(description=gettext_lazy("cost"))
    def shown_cost(self, job: Job) -> str:
        return cost_of(job)

    @admin.display(description=gettext_lazy("started"))
    def started(self, job: Job) -> str:
        return ago(job.started_at or job.created_at)

    def page_context(self, request: HttpRequest, row: Job) -> dict[str, Any]:
        """The job, how far it is, what may be done, and the items that people look for first."""
        progress = live.shown(request, row, timezone.now())
        return {
            "title": str(row),
            **progress,
            **live.rows_of(self.admin_site, request, row),
            "effects": effects.possible(self, request, progress["progress"]),
            "priorities": effects.priorities(self, request, row),
            "formats": downloads(self, request, row),
            **since(self, request, row),
        }


def cost_of(job: Job) -> str:
    """What a job cost so far, for people: never less than is known, and never as if everything were."""
    if not job.unknown_costs:
        return money(job.cost)
    return _("%(known)s + %(n)s unknown") % {"known": money(job.cost), "n": count(job.unknown_costs)}
