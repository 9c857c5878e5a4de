"""An admin page to which others may add panels, columns and addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from prompts.extensions import Address, Column, Panel, extensions_of

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ExtendedAdmin(ModelAdmin):
    """Draws its own panels and those of others, and keeps the number of queries of its list constant."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_max_show_all = 200
    panels: tuple[Panel, ...] = ()

    class Media:
        css = {"all": ["prompts/prompts.css"]}

    def is_list(self, request: HttpRequest) -> bool:
        """Whether the change list is asked for: it leaves the long texts in the database."""
        match = request.resolver_match
        return match is not None and match.url_name == f"{self.opts.app_label}_{self.opts.model_name}_changelist"

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the columns of others read, on the list."""
        rows = super().get_queryset(request)
        if self.is_list(request):
            for column in extensions_of(self.model, Column):
                rows = column.annotate(rows) if column.annotate else rows
        return rows

    def get_list_display(self, request: HttpRequest) -> Any:
        """With the columns of others."""
        return [*super().get_list_display(request), *map(as_display, extensions_of(self.model, Column))]

    def get_urls(self) -> list[URLPattern]:
        """With the addresses of others; before Django's own, the last of which takes everything."""
        ours = [
            path(
                f"<path:object_id>/{address.name}/",
                self.admin_site.admin_view(self.view_of(address)),
                name=self.address_name(address.name),
            )
            for address in (*self.addresses(), *extensions_of(self.model, Address))
        ]
        return [*ours, *super().get_urls()]

    def addresses(self) -> tuple[Address, ...]:
        """Our own."""
        return ()

    def address_name(self, name: str) -> str:
        """`prompts_promptversion_publish`"""
        return f"{self.opts.app_label}_{self.opts.model_name}_{name}"

    def address_of(self, name: str, obj: Any) -> str:
        """The address of one of an object's pages."""
        return reverse(f"admin:{self.address_name(name)}", args=[obj.pk], current_app=self.admin_site.name)

    def view_of(self, address: Address) -> Callable[..., HttpResponseBase]:
        """The address's view behind the permissions of the object and its own."""

        def view(request: HttpRequest, object_id: str) -> HttpResponseBase:
            obj = self.get_object(request, object_id)
            if obj is None:
                raise Http404(_("It does not exist, or no longer."))
            if not self.has_view_permission(request, obj) or not request.user.has_perms(address.permissions):
                raise PermissionDenied
            return address.view(request, obj)

        return view

    def tools(self, request: HttpRequest, obj: Any) -> list[tuple[Any, str]]:
        """Text and address of the links at the top of an object's page."""
        return [
            (address.tool, self.address_of(address.name, obj))
            for address in extensions_of(self.model, Address)
            if address.tool and request.user.has_perms(address.permissions)
        ]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """With tools and panels."""
        obj = kwargs.get("obj") or (args[3] if len(args) > 3 else None)
        if obj is not None and obj.pk:
            context["tools"] = self.tools(request, obj)
            context["panels"] = [
                (panel, html)
                for panel in (*self.panels, *extensions_of(self.model, Panel))
                if (html := draw(panel, request, obj)) is not None
            ]
        return super().render_change_form(request, context, *args, **kwargs)


def draw(panel: Panel, request: HttpRequest, obj: Any) -> str | None:
    """A panel's HTML; None where it has nothing to show."""
    context = panel.context(request, obj)
    if context is None:
        return None
    return render_to_string(panel.template, {"object": obj, "panel": panel, **context}, request)


def as_display(column: Column) -> Callable[[Any], Any]:
    """A column in the form that Django's admin takes."""

    @admin.display(description=column.header, ordering=column.ordering)
    def value(row: Any) -> Any:
        return column.value(row)

    value.__name__ = column.name
    return value


def only_post(request: HttpRequest) -> HttpResponseBase | None:
    """The refusal of anything but POST; None where it is POST."""
    return None if request.method == "POST" else HttpResponseNotAllowed(["POST"])
