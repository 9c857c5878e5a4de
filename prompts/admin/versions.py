"""The pages of prompt versions."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from prompts.admin.forms import PromptVersionForm
from prompts.admin.next_version import NextVersionAdmin
from prompts.admin.publishing import PublishingAdmin
from prompts.admin.shown import LabelFilter, hash_state, link
from prompts.extensions import Panel
from prompts.fallbacks import REASONS
from prompts.models import Label, PromptVersion


@admin.register(PromptVersion)
class PromptVersionAdmin(PublishingAdmin, NextVersionAdmin):
    """What a version asks, what it needs, and whether it is what was saved."""

    form = PromptVersionForm
    parent_field = "prompt"
    content_fields = ("messages", "schema", "connection", "model", "output_limit", "parameters", "fallbacks")
    written_fields = ("prompt", *content_fields, "note")
    list_display = ("version", "labelled", "shown_note", "created_at", "created_by")
    list_select_related = ("prompt", "created_by")
    list_filter = (LabelFilter,)
    search_fields = ("prompt__name", "prompt__title", "note")
    ordering = ("-created_at", "-pk")
    readonly_fields = (
        "shown_prompt",
        "shown_messages",
        "variables_read",
        "shown_schema",
        "shown_connection",
        "shown_model",
        "output_limit",
        "shown_parameters",
        "shown_fallbacks",
        "note",
        "made",
        "content",
    )
    fieldsets = (
        (None, {"fields": ("shown_prompt", "note", "variables_read", "shown_messages")}),
        (
            _("How it is asked"),
            {
                "fields": (
                    "shown_schema",
                    ("shown_connection", "shown_model"),
                    "output_limit",
                    "shown_parameters",
                    "shown_fallbacks",
                )
            },
        ),
        (_("Record"), {"fields": ("made", "content")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the page, or the list, reads."""
        rows = super().get_queryset(request)
        if not self.is_list(request):
            return rows.whole().select_related("created_by")
        return rows.prefetch_related(Prefetch("labels", Label.objects.order_by("name")))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Knows who writes. The class is made for this request alone."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.user = request.user
        return form

    @property
    def panels(self) -> tuple[Panel, ...]:  # type: ignore[override]
        """Our own."""
        return (Panel("publish", _("Labels"), "prompts/admin/publish_panel.html", self.publish_panel, first=True),)

    def publish_panel(self, request: HttpRequest, version: PromptVersion) -> dict[str, Any]:
        """The labels here, where the others are, and the button."""
        labels = list(Label.objects.filter(prompt=version.prompt_id).select_related("version__prompt").order_by("name"))
        return {
            "here": [label for label in labels if label.version_id == version.pk],
            "elsewhere": [label for label in labels if label.version_id != version.pk],
            "address": self.address_of("label", version) if self.has_publish_permission(request) else "",
        }

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Add it through the one door."""
        version = obj.prompt.add_version(
            messages=obj.messages,
            model=obj.model,
            connection=obj.connection,
            parameters=obj.parameters,
            output_limit=obj.output_limit,
            schema=obj.schema,
            fallbacks=obj.fallbacks,
            note=obj.note,
            by=request.user,
        )
        obj.__dict__.update(version.__dict__)

    @admin.display(description=_("version"), ordering="number")
    def version(self, version: PromptVersion) -> str:
        """`triage-ticket v7`"""
        return str(version)

    @admin.display(description=_("labels"))
    def labelled(self, version: PromptVersion) -> str:
        """Those that point here."""
        return ", ".join(label.name for label in version.labels.all()) or "—"

    @admin.display(description=_("note"))
    def shown_note(self, version: PromptVersion) -> str:
        """Why it exists, shortened."""
        return Truncator(version.note).chars(120) or "—"

    @admin.display(description=_("prompt"))
    def shown_prompt(self, version: PromptVersion) -> Any:
        """With the way up."""
        return format_html("{} · {}", link(self.admin_site, version.prompt, version.prompt.title), version)

    @admin.display(description=_("messages"))
    def shown_messages(self, version: PromptVersion) -> str:
        """As they are sent, templates unfilled."""
        return render_to_string("prompts/admin/messages_shown.html", {"messages": version.messages})

    @admin.display(description=_("variables"))
    def variables_read(self, version: PromptVersion) -> Any:
        """What must be given, and what may be."""
        return render_to_string("prompts/admin/variables.html", {"version": version})

    @admin.display(description=_("schema"))
    def shown_schema(self, version: PromptVersion) -> Any:
        """With the way to it."""
        schema = version.schema
        return link(self.admin_site, schema, str(schema)) if schema else _t("none: free text")

    @admin.display(description=_("connection"))
    def shown_connection(self, version: PromptVersion) -> str:
        """An alias."""
        return version.connection or _t("default")

    @admin.display(description=_("model"))
    def shown_model(self, version: PromptVersion) -> str:
        """Its name."""
        return version.model or _t("the connection's own")

    @admin.display(description=_("parameters"))
    def shown_parameters(self, version: PromptVersion) -> Any:
        """As JSON."""
        text = json.dumps(version.parameters, ensure_ascii=False, indent=2, sort_keys=True)
        return format_html('<pre class="prompts-code">{}</pre>', text) if version.parameters else "—"

    @admin.display(description=_("fallbacks"))
    def shown_fallbacks(self, version: PromptVersion) -> str:
        """Whom it asks instead, and when."""
        rows = [{**one, "reasons": [REASONS.get(reason, reason) for reason in one["on"]]} for one in version.fallbacks]
        return render_to_string("prompts/admin/fallbacks_shown.html", {"rows": rows, "same": _t("the same connection")})

    @admin.display(description=_("made"))
    def made(self, version: PromptVersion) -> Any:
        """When and by whom."""
        return render_to_string("prompts/admin/made.html", {"version": version})

    @admin.display(description=_("content"))
    def content(self, version: PromptVersion) -> Any:
        """Whether it is what was saved."""
        return hash_state(version)
