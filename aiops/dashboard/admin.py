"""The page of spend in the admin, and its file."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.calls.spend import Spend
from aiops.dashboard.page import asked, page_context
from aiops.dashboard.report import report_on, today_of
from aiops.dashboard.stretch import stretch_of
from aiops.dashboard.table import csv_of
from aiops.lists import ReadOnlyAdmin

PERMISSION = "aiops.view_call"
READING = ["GET", "HEAD"]


@admin.register(Spend)
class SpendAdmin(ReadOnlyAdmin[Spend]):
    """One page in place of a list: its rows are sums, and what is behind a sum is in the list of calls."""

    def get_urls(self) -> list[URLPattern]:
        """The page and its file; a row has no page of its own."""
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="aiops_spend_changelist"),
            path("csv/", wrap(self.csv_view), name="aiops_spend_csv"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Spend]:
        return super().get_queryset(request).none()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see the calls may see what they came to."""
        return bool(request.user.has_perm(PERMISSION))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The page. It is only for reading."""
        if request.method not in READING:
            return HttpResponseNotAllowed(READING)
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Where it went"),
            # What the last of the breadcrumbs says.
            "original": _("Where it went"),
            "has_view_permission": True,
            "media": self.media,
            **page_context(request, site=self.admin_site.name, now=timezone.now()),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "aiops/dashboard/spend.html", context)

    def csv_view(self, request: HttpRequest) -> HttpResponse:
        """All lines of the table, as a file."""
        if request.method not in READING:
            return HttpResponseNotAllowed(READING)
        if not self.has_view_permission(request):
            raise PermissionDenied
        (by, days), now = asked(request), timezone.now()
        report = report_on(by, stretch_of(days, today_of(now)), now, most=None)
        name = f"spend-{by}-{report.stretch.first}-{report.stretch.last}.csv"
        return HttpResponse(
            csv_of(report),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                # A browser neither guesses what it is nor shows it as a page.
                "X-Content-Type-Options": "nosniff",
            },
        )
