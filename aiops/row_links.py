"""From what was logged to the shop's own rows, for those who may see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

CHUNK = 100
"""Rows in memory at once: those of a shop may be large."""


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
    admin = admin_of(site, request, row_type)
    if admin is None:
        return RowLink(unseen, "")
    row = admin.get_object(request, key)
    if row is None:
        return RowLink(_("%(row)s (gone, or not among those you may see)") % {"row": unseen}, "")
    if not admin.has_view_permission(request, row):
        return RowLink(unseen, "")
    meta = model._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=(quote(row.pk),), current_app=site.name)
    return RowLink(f"{meta.verbose_name} {key}: {row}", url)


def admin_of(site: AdminSite, request: HttpRequest, row_type: ContentType) -> ModelAdmin[Any] | None:
    """The admin of a kind of rows; None where the site has none, or none that lets this person view them."""
    model = row_type.model_class()
    admin = site._registry.get(model) if model is not None else None
    return admin if admin is not None and admin.has_view_permission(request) else None


def given_keys(site: AdminSite, request: HttpRequest, row_type: ContentType, keys: Iterable[str]) -> set[str]:
    """Those of the keys whose rows the admin of their kind gives to this person, found by one query.

    A row that is gone is given to nobody, nor is one without an admin.
    """
    admin = admin_of(site, request, row_type)
    if admin is None:
        return set()
    to_key = admin.opts.pk.to_python
    wanted = []
    for key in keys:
        try:
            wanted.append(to_key(key))
        except ValidationError:
            # The primary key has become one of another kind since.
            continue
    rows = admin.get_queryset(request).filter(pk__in=wanted).iterator(chunk_size=CHUNK)
    return {str(row.pk) for row in rows if admin.has_view_permission(request, row)}
