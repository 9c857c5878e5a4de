"""What the pages of versions have in common: they are read-only, and a next one starts from the last."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from prompts.admin.extended import ExtendedAdmin
from prompts.errors import PromptError
from prompts.numbers import number_in


class NextVersionAdmin(ExtendedAdmin):
    """Versions: added and looked at, never changed."""

    change_form_template = "prompts/admin/object.html"
    save_as = False
    parent_field: str
    written_fields: tuple[str, ...]
    """Of the form, in their order."""
    content_fields: tuple[str, ...]
    """What a next version takes over from the one it starts from."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: a change is a new version."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may view them, or would be the one to change them."""
        app, name = self.opts.app_label, self.opts.model_name
        return any(request.user.has_perm(f"{app}.{action}_{name}") for action in ("view", "change"))

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the page reads, and without the long texts on the list."""
        rows = super().get_queryset(request)
        return rows.listed() if self.is_list(request) else rows

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """One for what is looked at, one for what is written."""
        return super().get_fieldsets(request, obj) if obj else [(None, {"fields": [*self.written_fields, "seen"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """None where a version is written."""
        return super().get_readonly_fields(request, obj) if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The content of the version that `?from=N` names, or of the latest, of the parent in the address."""
        parent = number_in(request.GET.get(self.parent_field, ""))
        if parent is None:
            return {}
        if not self.has_view_permission(request):
            raise PermissionDenied
        versions = self.model.objects.filter(**{self.parent_field: parent}).order_by("-number")
        number = number_in(request.GET.get("from", ""))
        latest = versions.first()
        start = latest if number is None else versions.filter(number=number).first()
        initial = {self.parent_field: parent, "seen": latest.number if latest else 0}
        if start is not None:
            initial |= {name: getattr(start, name) for name in self.content_fields}
        return initial

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A refusal after the form was checked, such as the same version saved twice, is a message and no crash."""
        try:
            return super().add_view(request, form_url, {"title": self.add_title(request), **(extra_context or {})})
        except PromptError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(request.get_full_path())

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """One button to save: two versions in a row are never meant."""
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Goes to the new version's page, where it can be published."""
        messages.success(request, _("%(version)s was added.") % {"version": obj})
        return HttpResponseRedirect(self.address_of("change", obj))

    def add_title(self, request: HttpRequest) -> str:
        """`Next version of triage-ticket`"""
        model = self.model._meta.get_field(self.parent_field).related_model
        pk = number_in(request.GET.get(self.parent_field, ""))
        parent = None if pk is None else model.objects.filter(pk=pk).first()
        return _("Next version of %(name)s") % {"name": parent} if parent else _("Add a version")

    def add_address(self, obj: Any) -> str:
        """Where a next version is written that starts from this one."""
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_add", current_app=self.admin_site.name)
        return f"{address}?{urlencode({self.parent_field: getattr(obj, self.parent_field).pk, 'from': obj.number})}"

    def tools(self, request: HttpRequest, obj: Any) -> list[tuple[Any, str]]:
        """With the way to the next version."""
        ours = [(_("Add a version from this"), self.add_address(obj))] if self.has_add_permission(request) else []
        return [*ours, *super().tools(request, obj)]
