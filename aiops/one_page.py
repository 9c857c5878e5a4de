"""One page in place of a list: for rows that people never see one by one."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from aiops.lists import ReadOnlyAdmin

M = TypeVar("M", bound=Model)

READING = ["GET", "HEAD"]


class OnePageAdmin(ReadOnlyAdmin[M]):
    """At the address of the list. It is only for reading."""

    heading: Any
    """What the page is called; translated when it is shown."""

    permission: str
    """Of whoever may see it, such as `aiops.view_call`: the rows have none of their own."""

    def get_urls(self) -> list[URLPattern]:
        """The page; a row has none."""
        opts = self.opts
        name = f"{opts.app_label}_{opts.model_name}_changelist"
        return [path("", self.admin_site.admin_view(self.changelist_view), name=name)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        return super().get_queryset(request).none()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever has the one permission."""
        return bool(request.user.has_perm(self.permission))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def require_reader(self, request: HttpRequest) -> HttpResponse | None:
        """Let in whoever may read, and only to read. Returns the answer to whoever wants to do anything else.

        Raises:
            PermissionDenied: this one may not.
        """
        if request.method not in READING:
            return HttpResponseNotAllowed(READING)
        if not self.has_view_permission(request):
            raise PermissionDenied
        return None

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The page."""
        if refused := self.require_reader(request):
            return refused
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(self.heading),
            # What the last of the breadcrumbs says.
            "original": str(self.heading),
            "has_view_permission": True,
            "media": self.media,
            **self.shown(request),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.page_template, context)

    def shown(self, request: HttpRequest) -> dict[str, Any]:
        """What is on the page."""
        return {}
