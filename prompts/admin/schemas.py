"""The pages of output schemas."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from prompts.admin.parents import ParentAdmin
from prompts.extensions import Panel
from prompts.models import OutputSchema, SchemaVersion


@admin.register(OutputSchema)
class OutputSchemaAdmin(ParentAdmin):
    """A schema and its versions."""

    version_model = SchemaVersion
    parent_field = "schema"
    list_display = ("name", "title", "latest")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With latest numbers on the list."""
        rows = super().get_queryset(request)
        return rows.with_latest() if self.is_list(request) else rows

    @property
    def panels(self) -> tuple[Panel, ...]:  # type: ignore[override]
        """Our own."""
        return (Panel("history", _("Versions"), "prompts/admin/history_panel.html", self.history),)

    @admin.display(description=_("latest version"), ordering="latest_number")
    def latest(self, schema: Any) -> str:
        """Its number."""
        return str(schema.latest_number or _("none yet"))
