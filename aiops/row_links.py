"""From what was logged to the shop's own row, for those who may see it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.admin import AdminSite
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class RowLink:
    """A row as a page names it."""

    text: str

    url: str
    """Its own admin page; empty where there is none, or none that this person may see."""


def row_link(site: AdminSite, request: HttpRequest, row_type: ContentType | None, key: str) -> RowLink | None:
    """The row behind an item or a call; None where it is about none.

    A row is named by its own text only to people to whom its admin gives it; to others by its kind and key.
    """
    if row_type is None or not key:
        return None
    model = row_type.model_class()
    if model is None:
        return RowLink(f"{row_type.app_label}.{row_type.model} {key}", "")
    unseen = f"{model._meta.verbose_name} {key}"
    admin = site._registry.get(model)
    if admin is None or not admin.has_view_permission(request):
        return RowLink(unseen, "")
    row = admin.get_object(request, key)
    if row is None:
        return RowLink(_("%(row)s (gone, or not among those you may see)") % {"row": unseen}, "")
    if not admin.has_view_permission(request, row):
        return RowLink(unseen, "")
    meta = model._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=(row.pk,), current_app=site.name)
    return RowLink(f"{meta.verbose_name} {key}: {row}", url)
