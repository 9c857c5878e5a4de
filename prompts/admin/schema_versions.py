"""The pages of schema versions."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from prompts.admin.forms import SchemaVersionForm
from prompts.admin.next_version import NextVersionAdmin
from prompts.admin.shown import hash_state, link
from prompts.extensions import Panel
from prompts.models import PromptVersion, SchemaVersion


@admin.register(SchemaVersion)
class SchemaVersionAdmin(NextVersionAdmin):
    """What an answer must satisfy, and which prompts ask for it."""

    form = SchemaVersionForm
    parent_field = "schema"
    written_fields = ("schema", "body", "note")
    content_fields = ("body",)
    list_display = ("version", "shown_note", "created_at", "created_by")
    list_select_related = ("schema", "created_by")
    search_fields = ("schema__name", "schema__title", "note")
    ordering = ("-created_at", "-pk")
    readonly_fields = ("shown_parent", "shown_body", "note", "made", "content")
    fieldsets = (
        (None, {"fields": ("shown_parent", "note", "shown_body")}),
        (_("Record"), {"fields": ("made", "content")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the page reads."""
        rows = super().get_queryset(request)
        return rows if self.is_list(request) else rows.select_related("schema", "created_by")

    @property
    def panels(self) -> tuple[Panel, ...]:  # type: ignore[override]
        """Our own."""
        return (Panel("used", _("Used by"), "prompts/admin/used_panel.html", used_by),)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Add it through the one door."""
        version = obj.schema.add_version(obj.body, note=obj.note, by=request.user)
        obj.__dict__.update(version.__dict__)

    @admin.display(description=_("version"), ordering="number")
    def version(self, version: SchemaVersion) -> str:
        """`ticket-triage v2`"""
        return str(version)

    @admin.display(description=_("note"))
    def shown_note(self, version: SchemaVersion) -> str:
        """Why it exists, shortened."""
        return Truncator(version.note).chars(120) or "—"

    @admin.display(description=_("schema"))
    def shown_parent(self, version: SchemaVersion) -> Any:
        """With the way up."""
        return format_html("{} · {}", link(self.admin_site, version.schema, version.schema.title), version)

    @admin.display(description=_("JSON Schema"))
    def shown_body(self, version: SchemaVersion) -> Any:
        """In the order in which it was written."""
        return format_html('<pre class="prompts-code">{}</pre>', json.dumps(version.body, ensure_ascii=False, indent=2))

    @admin.display(description=_("made"))
    def made(self, version: SchemaVersion) -> Any:
        """When and by whom."""
        return render_to_string("prompts/admin/made.html", {"version": version})

    @admin.display(description=_("content"))
    def content(self, version: SchemaVersion) -> Any:
        """Whether it is what was saved."""
        return hash_state(version)


def used_by(request: HttpRequest, version: SchemaVersion) -> dict[str, Any] | None:
    """The prompt versions that ask for it, newest first."""
    if not request.user.has_perm("prompts.view_promptversion"):
        return None
    return {"versions": PromptVersion.objects.listed().filter(schema=version).order_by("-created_at")[:30]}
