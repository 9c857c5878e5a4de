"""The page of spend in the admin, and its file."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy

from aiops.calls.spend import Spend
from aiops.dashboard.page import asked, page_context
from aiops.dashboard.report import report_on, today_of
from aiops.dashboard.stretch import stretch_of
from aiops.dashboard.table import csv_of
from aiops.one_page import OnePageAdmin


@admin.register(Spend)
class SpendAdmin(OnePageAdmin[Spend]):
    """One page in place of a list: its rows are sums, and what is behind a sum is in the list of calls."""

    heading = gettext_lazy("Where it went")
    # Whoever may see the calls may see what they came to.
    permission = "aiops.view_call"
    page_template = "aiops/dashboard/spend.html"

    def get_urls(self) -> list[URLPattern]:
        """The page and its file."""
        return [*super().get_urls(), path("csv/", self.admin_site.admin_view(self.csv_view), name="aiops_spend_csv")]

    def shown(self, request: HttpRequest) -> dict[str, Any]:
        """What was spent."""
        return page_context(request, site=self.admin_site.name, now=timezone.now())

    def csv_view(self, request: HttpRequest) -> HttpResponse:
        """All lines of the table, as a file."""
        if refused := self.require_reader(request):
            return refused
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
