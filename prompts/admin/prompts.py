"""The pages of prompts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from prompts.admin.parents import ParentAdmin
from prompts.admin.shown import LabelFilter
from prompts.extensions import Panel
from prompts.models import Label, Prompt, PromptVersion
from prompts.models.version import PRODUCTION


@admin.register(Prompt)
class PromptAdmin(ParentAdmin):
    """Labels, what they point to, the variables that are needed, and all versions."""

    version_model = PromptVersion
    parent_field = "prompt"
    fields = (*ParentAdmin.fields, "reuse_seconds")
    list_display = ("name", "title", "labelled", "latest")
    list_filter = (LabelFilter,)

    def get_queryset(self, request: HttpRequest) -> Any:
        """With labels and latest numbers on the list."""
        rows = super().get_queryset(request)
        return rows.with_labels().with_latest() if self.is_list(request) else rows

    @admin.display(description=_("labels"))
    def labelled(self, prompt: Prompt) -> str:
        """`production → 7, staging → 9`"""
        return ", ".join(map(str, prompt.labels.all())) or "—"

    @admin.display(description=_("latest version"), ordering="latest_number")
    def latest(self, prompt: Any) -> str:
        """Its number."""
        return str(prompt.latest_number or _("none yet"))

    @property
    def panels(self) -> tuple[Panel, ...]:  # type: ignore[override]
        """Our own."""
        return (
            Panel("labels", _("Labels"), "prompts/admin/labels_panel.html", self.labels),
            Panel("history", _("Versions"), "prompts/admin/history_panel.html", self.history),
        )

    def listed_versions(self, obj: Any) -> Any:
        """With their labels."""
        return super().listed_versions(obj).prefetch_related(Prefetch("labels", Label.objects.order_by("name")))

    def labels(self, request: HttpRequest, prompt: Prompt) -> dict[str, Any] | None:
        """Where labels point, what the published version reads, and the latest moves."""
        if not self.may_view_versions(request):
            return None
        labels = list(prompt.labels.select_related("version").order_by("name"))
        for label in labels:
            # Printed by its name: no query a label.
            label.version.prompt = prompt
        shown = next((label.version for label in labels if label.name == PRODUCTION), None)
        return {
            "labels": labels,
            "shown": shown or prompt.versions.order_by("-number").first(),
            "moves": prompt.label_moves.select_related("moved_by")[:10],
        }
