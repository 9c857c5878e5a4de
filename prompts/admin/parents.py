"""What the pages of prompts and of schemas have in common: a name that stays, and the history of their versions."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from prompts.admin.extended import ExtendedAdmin

SHOWN = 30
"""Versions on the page of their parent; all of them are on their own list."""


class ParentAdmin(ExtendedAdmin):
    """A named thing with versions."""

    change_form_template = "prompts/admin/object.html"
    version_model: Any
    parent_field: str
    search_fields = ("name", "title", "description")
    fields: ClassVar[Any] = ("name", "title", "description")
    ordering = ("name",)
    formfield_overrides: ClassVar[Any] = {
        models.TextField: {"widget": forms.Textarea(attrs={"class": "vLargeTextField", "rows": 3})}
    }

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The name, once it is given: code and schedules call it by that."""
        return ("name",) if obj else ()

    def may_add_version(self, request: HttpRequest) -> bool:
        """Whether the person may write the next one."""
        meta = self.version_model._meta
        has_page = self.admin_site.is_registered(self.version_model)
        return has_page and bool(request.user.has_perm(f"{meta.app_label}.add_{meta.model_name}"))

    def may_view_versions(self, request: HttpRequest) -> bool:
        """Whether the person may see them."""
        meta = self.version_model._meta
        return self.admin_site.is_registered(self.version_model) and any(
            request.user.has_perm(f"{meta.app_label}.{action}_{meta.model_name}") for action in ("view", "change")
        )

    def add_version_address(self, obj: Any) -> str:
        """Where the next version is written."""
        return f"{self.version_address('add')}?{urlencode({self.parent_field: obj.pk})}"

    def version_address(self, name: str) -> str:
        """An address of the versions."""
        meta = self.version_model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{name}", current_app=self.admin_site.name)

    def tools(self, request: HttpRequest, obj: Any) -> list[tuple[Any, str]]:
        """With the way to the next version."""
        ours = [(_("Add version"), self.add_version_address(obj))] if self.may_add_version(request) else []
        return [*ours, *super().tools(request, obj)]

    def history(self, request: HttpRequest, obj: Any) -> dict[str, Any] | None:
        """What the panel of the history shows."""
        if not self.may_view_versions(request):
            return None
        versions = list(self.listed_versions(obj)[: SHOWN + 1])
        every = f"{self.version_address('changelist')}?{urlencode({f'{self.parent_field}__id__exact': obj.pk})}"
        return {
            "versions": versions[:SHOWN],
            "version_opts": self.version_model._meta,
            "all_address": every if len(versions) > SHOWN else "",
            "add_address": self.add_version_address(obj) if self.may_add_version(request) else "",
        }

    def listed_versions(self, obj: Any) -> Any:
        """The versions, newest first, without their long texts."""
        return obj.versions.listed().order_by("-number")

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Goes on to the first version: without one it is of no use."""
        if self.may_add_version(request) and not {"_addanother", "_popup"} & set(request.POST):
            text = _("%(name)s was added. Now write its first version.") % {"name": obj}
            messages.success(request, text)
            return HttpResponseRedirect(self.add_version_address(obj))
        return super().response_add(request, obj, post_url_continue)
