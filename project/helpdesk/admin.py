"""The help desk's pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from import_export.admin import ImportExportModelAdmin
from import_export.resources import ModelResource

from aiops.admin import RunPromptMixin
from project.helpdesk.formats import FORMATS
from project.helpdesk.models import Ticket


class TicketFile(ModelResource):  # type: ignore[misc]
    """A ticket as people exchange it in files: all of it."""

    class Meta:
        model = Ticket
        fields = ("id", "subject", "text", "category", "priority", "language", "intent")
        clean_model_instances = True
        skip_unchanged = True
        skip_diff = False


class LanguageFilter(admin.AllValuesFieldListFilter):
    """By language. Tickets without one have a name in it too: Django's own would be a link without words."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The languages that there are."""
        for choice in super().choices(changelist):
            yield {**choice, "display": str(choice["display"]).strip() or _("(none)")}


@admin.register(Ticket)
class TicketAdmin(RunPromptMixin, ImportExportModelAdmin):  # type: ignore[misc]
    """Tickets: to find, to read, to sort, and to run prompts on."""

    resource_classes = (TicketFile,)
    formats = FORMATS
    list_display = ("subject", "category", "priority", "language", "created")
    list_filter = ("category", "priority", ("language", LanguageFilter), "created_at")
    search_fields = ("subject", "text")
    list_per_page = 50
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("subject", "text", "created_at")}),
        (None, {"fields": ("category", "priority", "language")}),
        (None, {"fields": ("intent",)}),
    )

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, ticket: Ticket) -> str:
        """The day alone: the subject needs the room."""
        return date_format(localtime(ticket.created_at), "SHORT_DATE_FORMAT")

    def has_import_permission(self, request: HttpRequest) -> bool:
        """A file adds tickets as well as changing them: both must be allowed."""
        return self.has_add_permission(request) and self.has_change_permission(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Who may see the tickets may take them along."""
        return bool(self.has_view_permission(request))
