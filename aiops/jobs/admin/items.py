"""The pages of items: the rows of jobs, with their answers and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from aiops.calls.filters import StatusFilter
from aiops.calls.models import Call
from aiops.calls.remedies import remedy
from aiops.jobs.admin.reading import NOT_THEIRS, may_see_items, readable
from aiops.jobs.models import Item, Job
from aiops.lists import ExactFilter, ReadOnlyAdmin
from aiops.row_links import row_link
from aiops.templatetags.aiops_format import ago, in_one_line, status_mark, words
from prompts.numbers import number_in

SHORT = 200
"""Characters of an answer or an error in a list."""


class JobFilter(ExactFilter):
    """By job: the newest, and the one that is asked for."""

    title = _("job")
    parameter_name = "job"
    field = "job_id"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        jobs = Job.objects.select_related("version__prompt").only(
            "source_text", "version__number", "version__prompt__name"
        )
        shown = {str(job.pk): f"{job.pk}: {job}" for job in jobs.order_by("-pk")[:10]}
        asked = self.asked()
        if asked is not None and str(asked) not in shown:
            shown |= {str(job.pk): f"{job.pk}: {job}" for job in jobs.filter(pk=asked)}
        return list(shown.items())

    def asked(self) -> int | None:
        return number_in(self.value() or "")


@admin.register(Item)
class ItemAdmin(ReadOnlyAdmin[Item]):
    """Items, in the order of their job."""

    page_template = "aiops/jobs/item.html"
    change_list_template = "admin/aiops/item/change_list.html"
    list_display = ("shown_position", "shown_status", "shown_key", "answer", "ended", "shown_job")
    list_display_links = ("shown_position", "shown_status")
    list_filter = (StatusFilter, JobFilter)
    finds_keys_first = True
    allowed_lookups: ClassVar[frozenset[str]] = frozenset({"error_kind", "position__gt"})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Item]:
        related = super().get_queryset(request).select_related("job__version__prompt", "job__row_type")
        return related.defer("job__version__messages", "job__version__parameters", "job__source")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_items(request)

    def listed(self, request: HttpRequest, rows: QuerySet[Item]) -> list[Item]:
        items: list[Any] = list(rows.defer("variables"))
        theirs = readable(self.admin_site, request, items)
        for item in items:
            item.is_readable = item.pk in theirs
        return items

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """From the first row on within a job; over all jobs, the newest first. Both walk along an index."""
        return ("job_id", "position") if request.GET.get("job") else ("-job_id", "-position")

    def lookup_beyond(self, params: Mapping[str, str]) -> str | None:
        return "position__gt" if params.get("job") else None

    @admin.display(description=_("position"))
    def shown_position(self, item: Item) -> str:
        return f"#{item.position}"

    @admin.display(description=_("status"))
    def shown_status(self, item: Item) -> SafeString:
        return status_mark(item)

    @admin.display(description=_("row"))
    def shown_key(self, item: Item) -> str:
        return item.row_key or "–"

    @admin.display(description=_("answer"))
    def answer(self, item: Any) -> SafeString | str:
        failed = item.status == Item.Status.FAILED
        if item.is_readable:
            text = truncatechars(item.error_text if failed else answer_of(item), SHORT)
        else:
            text = "" if item.status in Item.OPEN else str(NOT_THEIRS)
        return format_html("<strong>{}:</strong> {}", words(item.error_kind), text) if failed else text

    @admin.display(description=_("ended"))
    def ended(self, item: Item) -> str:
        return ago(item.ended_at)

    @admin.display(description=_("job"))
    def shown_job(self, item: Item) -> SafeString:
        url = reverse("admin:aiops_job_change", args=(item.job_id,), current_app=self.admin_site.name)
        return format_html('<a href="{}">{}</a>', url, item.job_id)

    def page_context(self, request: HttpRequest, row: Item) -> dict[str, Any]:
        """The item with what it holds, if they may read it; its calls, its row, and the ways to its neighbours."""
        siblings = Item.objects.filter(job_id=row.job_id).only("pk", "position")
        of_item = Q(item_id=row.pk) if row.same_as is None else Q(pk=row.call_id)
        return {
            "title": _("Item %(position)s of job %(job)s") % {"position": row.position, "job": row.job_id},
            "is_readable": row.pk in readable(self.admin_site, request, [row]),
            "remedy": remedy(row.error_kind),
            "calls": Call.objects.filter(of_item).without_bodies().order_by("-id")[:20],
            "first": siblings.filter(position=row.same_as).first() if row.same_as is not None else None,
            "row_link": row_link(self.admin_site, request, row.job.row_type, row.row_key),
            "before": siblings.filter(position__lt=row.position).order_by("-position").first(),
            "after": siblings.filter(position__gt=row.position).order_by("position").first(),
        }


def answer_of(item: Item) -> str:
    """What came of an item, in one line."""
    if item.data is not None:
        return in_one_line(item.data)
    return in_one_line(item.text) if item.text else ""
