"""The page of health in the admin: one page in place of a list."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aiops.health.examine import examine
from aiops.health.signs import Level, Sign
from aiops.jobs.models import Heartbeat
from aiops.lists import ReadOnlyAdmin
from aiops.options import InvalidOption

PERMISSION = "aiops.view_job"
READING = ["GET", "HEAD"]
STATES = {
    Level.OK: ("succeeded", gettext_lazy("well")),
    Level.WARN: ("paused", gettext_lazy("to know of")),
    Level.BAD: ("failed", gettext_lazy("wrong")),
}


@admin.register(Heartbeat)
class HealthAdmin(ReadOnlyAdmin[Heartbeat]):
    """What `manage.py health` says, for people."""

    def get_urls(self) -> list[URLPattern]:
        """The page; a cluster has none of its own."""
        return [path("", self.admin_site.admin_view(self.changelist_view), name="aiops_heartbeat_changelist")]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Heartbeat]:
        return super().get_queryset(request).none()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see jobs may see why they stand still."""
        return bool(request.user.has_perm(PERMISSION))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The page. It is only for reading, and nobody is called for it."""
        if request.method not in READING:
            return HttpResponseNotAllowed(READING)
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Health"),
            # What the last of the breadcrumbs says.
            "original": _("Health"),
            "has_view_permission": True,
            "media": self.media,
            **self._found(),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "aiops/health/health.html", context)

    def _found(self) -> dict[str, Any]:
        now = timezone.now()
        try:
            found = examine(now)
        except InvalidOption as error:
            return {"trouble": error, "now": now}
        worst_first = sorted(found.signs, key=lambda sign: list(reversed(Level)).index(sign.level))
        state, word = STATES[found.level]
        return {
            "now": now,
            "state": state,
            "word": word,
            "sentence": found.sentence(),
            "rows": [(*STATES[sign.level], sign, self._url(sign)) for sign in worst_first],
            "clusters": found.clusters,
        }

    def _url(self, sign: Sign) -> str:
        name, _mark, query = sign.page.partition("?")
        if not name:
            return ""
        try:
            url = reverse(f"admin:{name}", current_app=self.admin_site.name)
        except NoReverseMatch:
            # A site of the admin without that page.
            return ""
        return f"{url}?{query}" if query else url
