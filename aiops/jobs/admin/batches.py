"""The pages of batches: what lies with providers, how far it is, and having it looked at now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.calls.filters import ConnectionFilter, StatusFilter
from aiops.jobs.admin.items import JobFilter
from aiops.jobs.admin.reading import may_see_items, may_send_rows
from aiops.jobs.batch.bell import look_now
from aiops.jobs.control import stop
from aiops.jobs.errors import WrongState
from aiops.jobs.models import Batch, Job
from aiops.lists import ReadOnlyAdmin
from aiops.options import InvalidOption
from aiops.templatetags.aiops_format import ago, count, marked, money, status_mark


def _look(batch: Batch) -> str:
    if look_now(batch):
        return _("A worker was rung for and looks at it.")
    return _("A worker is on its way to it already, or it is over.")


def _cancel(batch: Batch) -> str:
    return stop(batch.job)


MOST_SHOWN = 18
"""Characters of a provider's id in the list."""

ACTS: dict[str, Callable[[Batch], str]] = {"look": _look, "cancel": _cancel}


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin[Batch]):
    """Batches, newest first."""

    page_template = "aiops/jobs/batch.html"
    change_list_template = "admin/aiops/batch/change_list.html"
    list_display = ("shown_status", "provider", "shown_job", "done", "made", "ends", "spent")
    list_display_links = ("shown_status", "provider")
    list_filter = (StatusFilter, ConnectionFilter, JobFilter)
    ordering = ("-id",)
    allowed_lookups: ClassVar[frozenset[str]] = frozenset({"id__lt"})

    def lookup_beyond(self, params: Any) -> str | None:
        return "id__lt"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see jobs may see what they are asked in."""
        return bool(request.user.has_perm("aiops.view_job"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        related = super().get_queryset(request).select_related("job__version__prompt", "job__row_type")
        return related.defer("job__version__messages", "job__version__parameters", "job__source", "error")

    def get_urls(self) -> list[URLPattern]:
        """Adds what the buttons post to."""
        wrap = self.admin_site.admin_view
        own: list[URLPattern] = [
            path(f"<int:batch_id>/{name}/", wrap(self._view_of(act)), name=f"aiops_batch_{name}")
            for name, act in ACTS.items()
        ]
        return [*own, *super().get_urls()]

    @admin.display(description=gettext_lazy("status"))
    def shown_status(self, batch: Batch) -> SafeString:
        return status_mark(batch)

    @admin.display(description=gettext_lazy("id at the provider"))
    def provider(self, batch: Batch) -> str:
        name = batch.provider_id or "–"
        # They have some forty characters; the page of the batch has all of them.
        return name if len(name) <= MOST_SHOWN else f"{name[:8]}…{name[-6:]}"

    @admin.display(description=gettext_lazy("job"))
    def shown_job(self, batch: Batch) -> SafeString:
        url = reverse("admin:aiops_job_change", args=(batch.job_id,), current_app=self.admin_site.name)
        return format_html('<a href="{}" title="{}">{}</a>', url, batch.job, batch.job_id)

    @admin.display(description=gettext_lazy("lines"))
    def done(self, batch: Batch) -> SafeString:
        """`403 of 1,000`, and how many of them failed."""
        text = _("%(done)s of %(total)s") % {"done": count(batch.done_lines), "total": count(batch.line_count)}
        bad = batch.failed_lines
        note = marked("failed", _("%(n)s failed") % {"n": count(bad)}) if bad else ""
        return format_html("{} {}", text, note)

    @admin.display(description=gettext_lazy("made"))
    def made(self, batch: Batch) -> str:
        return ago(batch.since)

    @admin.display(description=gettext_lazy("ends"))
    def ends(self, batch: Batch) -> SafeString | str:
        return ends_of(batch)

    @admin.display(description=gettext_lazy("cost"))
    def spent(self, batch: Batch) -> str:
        return cost_of(batch)

    def page_context(self, request: HttpRequest, row: Batch) -> dict[str, Any]:
        """The batch, and the buttons that make sense now."""
        may = self._may_act(request, row)
        site = self.admin_site.name
        can_stop = row.job.status in (Job.Status.RUNNING, Job.Status.PAUSED)
        buttons = (
            ("look", _("Look now"), row.is_open),
            ("cancel", _("Cancel: stop its job"), row.is_open and can_stop),
        )
        return {
            "title": _("Batch %(id)s of job %(job)s") % {"id": row.pk, "job": row.job_id},
            "cost": cost_of(row),
            "ends": ends_of(row),
            "may_see_items": may_see_items(request),
            "buttons": [
                (reverse(f"admin:aiops_batch_{name}", args=(row.pk,), current_app=site), label)
                for name, label, fits in buttons
                if fits and may
            ],
        }

    def _may_act(self, request: HttpRequest, batch: Batch) -> bool:
        may_run = self.has_view_permission(request) and request.user.has_perm("aiops.run_job")
        return may_run and may_send_rows(self.admin_site, request, batch.job)

    def _view_of(self, act: Callable[[Batch], str]) -> Callable[[HttpRequest, int], HttpResponse]:
        def view(request: HttpRequest, batch_id: int) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            if not (self.has_view_permission(request) and request.user.has_perm("aiops.run_job")):
                raise PermissionDenied
            batch = self.get_object(request, str(batch_id))
            if batch is None:
                raise Http404(_("There is no such batch."))
            if not self._may_act(request, batch):
                raise PermissionDenied
            try:
                messages.success(request, act(batch))
            except (WrongState, InvalidOption) as error:
                messages.error(request, str(error))
            site = self.admin_site.name
            return HttpResponseRedirect(reverse("admin:aiops_batch_change", args=(batch.pk,), current_app=site))

        return view


def ends_of(batch: Batch) -> SafeString | str:
    """When it ended, or when it expires; a dash where nobody knows yet."""
    if batch.ended_at:
        return ago(batch.ended_at)
    if batch.expires_at is None:
        return "–"
    return _("expires %s") % date_format(timezone.localtime(batch.expires_at), "SHORT_DATETIME_FORMAT")


def cost_of(batch: Batch) -> str:
    """What its lines cost so far, for people: never less than is known, and never as if everything were."""
    if not batch.unknown_costs:
        return money(batch.cost)
    return _("%(known)s + %(n)s unknown") % {"known": money(batch.cost), "n": count(batch.unknown_costs)}
