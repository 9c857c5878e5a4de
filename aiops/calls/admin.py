"""The log of calls: a list that stays quick however long it is, and a page for each call."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from aiops.calls.behind import FILTERS
from aiops.calls.filters import ConnectionFilter, StatusFilter, VersionFilter
from aiops.calls.models import Call
from aiops.calls.narrowing import NarrowedList
from aiops.calls.remedies import remedy
from aiops.gateway.usage import Usage
from aiops.lists import ReadOnlyAdmin
from aiops.row_links import row_link
from aiops.templatetags.aiops_format import ago, count, duration, in_and_out, money, status_mark


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin[Call]):
    """Every call there was, newest first."""

    page_template = "aiops/calls/call.html"
    change_list_template = "admin/aiops/call/change_list.html"
    list_display = (
        "shown_status",
        "started",
        "shown_version",
        "shown_model",
        "tokens",
        "shown_cost",
        "took",
        "belongs_to",
    )
    list_display_links = ("shown_status", "started")
    list_filter = (StatusFilter, ConnectionFilter, VersionFilter, *FILTERS)
    # By the primary key, which is in the order of time; no other order has an index.
    ordering = ("-id",)
    finds_keys_first = True
    search_fields = ("id__exact",)
    search_help_text = _("The whole id of a call.")
    allowed_lookups: ClassVar[frozenset[str]] = frozenset({"id__lt", "job_id", "item_id"})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Call]:
        related = super().get_queryset(request).select_related("prompt_version__prompt", "user", "row_type")
        return related.defer("prompt_version__messages", "prompt_version__parameters")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NarrowedList

    def lookup_beyond(self, params: Any) -> str | None:
        return "id__lt"

    def listed(self, request: HttpRequest, rows: QuerySet[Call]) -> QuerySet[Call]:
        return rows.without_bodies()  # type: ignore[attr-defined,no-any-return]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Only by whole id: to look into the texts of a long log takes many seconds."""
        if not search_term:
            return queryset, False
        try:
            return queryset.filter(pk=UUID(search_term.strip())), False
        except ValueError:
            return queryset.none(), False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Without the way to the items for those who may not see them."""
        shown = list(super().get_list_display(request))
        return shown if request.user.has_perm("aiops.view_item") else [name for name in shown if name != "belongs_to"]

    @admin.display(description=_("status"))
    def shown_status(self, call: Call) -> SafeString:
        return status_mark(call)

    @admin.display(description=_("started"))
    def started(self, call: Call) -> str:
        return ago(call.started_at)

    @admin.display(description=_("version or purpose"))
    def shown_version(self, call: Call) -> str:
        return str(call.prompt_version or call.purpose or call.get_operation_display())

    @admin.display(description=_("model"))
    def shown_model(self, call: Call) -> str:
        return call.model_answered or call.model_asked

    @admin.display(description=_("tokens in / out"))
    def tokens(self, call: Call) -> str:
        return in_and_out(call)

    @admin.display(description=_("cost"))
    def shown_cost(self, call: Call) -> str:
        return cost_of(call)

    @admin.display(description=_("time"))
    def took(self, call: Call) -> str:
        return "–" if is_open(call) or call.batch_id is not None else duration(call.total_ms)

    @admin.display(description=_("item"))
    def belongs_to(self, call: Call) -> SafeString | str:
        if call.item_id is not None:
            url = reverse("admin:aiops_item_change", args=(call.item_id,), current_app=self.admin_site.name)
            return format_html('<a href="{}">{}</a>', url, call.item_id)
        return "–"

    def page_context(self, request: HttpRequest, row: Call) -> dict[str, Any]:
        """The call with everything that it leads to; what was asked and answered only for those who may read it."""
        return {
            "title": _("Call of %(version)s") % {"version": row.prompt_version or row.purpose or row.model_asked},
            "messages_shown": [(message.get("role"), text_of(message.get("content"))) for message in row.messages],
            "redacted": ", ".join(f"{number} × {kind}" for kind, number in sorted(row.redacted.items())),
            "may_read": request.user.has_perm("aiops.view_call_body"),
            "is_open": is_open(row),
            "was_sent": row.reused_from is None,
            # Nobody counts in all of them: what was never named is left out.
            "buckets": [(bucket_name(name), getattr(row, name)) for name in BUCKETS if getattr(row, name)],
            "rates": rates_of(row),
            "remedy": remedy(row.error_kind),
            "row_link": row_link(self.admin_site, request, row.row_type, row.row_key),
        }


def text_of(content: Any) -> str:
    """A message's content for people: its words, and a line for each part that is none."""
    if not isinstance(content, list):
        return str(content or "")
    return "\n".join(_part(part) for part in content)


def _part(part: Any) -> str:
    if not isinstance(part, dict):
        return str(part)
    if isinstance(part.get("text"), str):
        return str(part["text"])
    inside = next((value for value in part.values() if isinstance(value, dict)), part)
    told = ", ".join(f"{name}: {value}" for name, value in inside.items() if name != "type")
    return f"[{part.get('type', '')}: {told}]"


BUCKETS = tuple(Usage.__dataclass_fields__)


def is_open(call: Call) -> bool:
    """Whether nobody knows yet how the call ends."""
    return call.status == Call.Status.SENDING


def cost_of(call: Call) -> str:
    """What a call cost, for people; a dash while it is not over."""
    return "–" if is_open(call) else money(call.cost)


def bucket_name(name: str) -> str:
    """A bucket of tokens, for people."""
    return str(label_for_field(name, Call))


def rates_of(call: Call) -> list[tuple[str, str]]:
    """Bucket and dollars a million tokens, of each bucket that was used."""
    listed = (call.price or {}).get("nano_dollars_per_token", {})
    rates = []
    for name in BUCKETS:
        for start, nanos in listed.get(name, ()) if getattr(call, name) else ():
            label = bucket_name(name)
            if start:
                label = _("%(bucket)s, beyond %(start)s tokens of input") % {"bucket": label, "start": count(start)}
            rates.append((label, f"${float(nanos) / 1000:,.4g}"))
    return rates
