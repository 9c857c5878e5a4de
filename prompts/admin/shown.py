"""Small pieces that several pages show."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from prompts.models import Label


class LabelFilter(admin.SimpleListFilter):
    """By the labels that exist."""

    title = gettext_lazy("label")
    parameter_name = "label"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Their names."""
        return [(name, name) for name in Label.objects.order_by("name").values_list("name", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Those under the label that was chosen."""
        return queryset.filter(labels__name=self.value()) if self.value() else queryset


def link(site: admin.AdminSite, obj: Any, text: str) -> str:
    """A link to an object's own page in a site; the text alone where that site has no such page."""
    if not site.is_registered(type(obj)):
        return text
    return format_html('<a href="{}">{}</a>', obj.get_admin_url(site.name), text)


def hash_state(version: Any) -> str:
    """Whether a version is what was saved, in words and with a mark."""
    if version.is_intact:
        return format_html(
            '<span class="prompts-intact">✓ {}</span> <code class="prompts-hash">{}</code>',
            _("as it was saved"),
            version.content_hash[:12],
        )
    return format_html(
        '<span class="prompts-changed">! {}</span>',
        _("It was changed outside the admin: it is not what was saved. Add a version with the wording that is meant."),
    )
