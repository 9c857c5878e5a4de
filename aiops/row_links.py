"""From what was logged to the shop's own rows, for those who may see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db.models import Field
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
    admins = admins_of(site, request, row_type)
    for admin in admins:
        row = admin.get_object(request, key)
        if row is not None and admin.has_view_permission(request, row):
            meta = admin.opts
            name = f"admin:{meta.app_label}_{meta.model_name}_change"
            return RowLink(
                f"{meta.verbose_name} {key}: {row}", reverse(name, args=(quote(row.pk),), current_app=site.name)
            )
    if admins:
        return RowLink(_("%(row)s (gone, or not among those you may see)") % {"row": unseen}, "")
    return RowLink(unseen, "")


def admins_of(site: AdminSite, request: HttpRequest, row_type: ContentType) -> list[ModelAdmin[Any]]:
    """The admins of a kind of rows in which this person may view some: its own first, then those of its proxies."""
    model = row_type.model_class()
    found = [admin for kind, admin in site._registry.items() if kind._meta.concrete_model is model]
    found.sort(key=lambda admin: admin.model is not model)
    return [admin for admin in found if admin.has_view_permission(request)]


def given_keys(site: AdminSite, request: HttpRequest, row_type: ContentType, keys: Iterable[str]) -> set[str]:
    """Those of the keys whose rows an admin of their kind gives to this person, found by one query an admin.

    A row that is gone is given to nobody, nor is one without an admin.
    """
    given: set[str] = set()
    for admin in admins_of(site, request, row_type):
        wanted = list(_as_keys(admin.opts.pk, keys))
        rows = admin.get_queryset(request).filter(pk__in=wanted).iterator(chunk_size=CHUNK)
        given |= {str(row.pk) for row in rows if admin.has_view_permission(request, row)}
    return given


def _as_keys(field: Field[Any, Any], texts: Iterable[str]) -> Iterator[Any]:
    """The keys that the texts stand for, but for those that the primary key, of another kind since, cannot hold."""
    for text in texts:
        with suppress(ValidationError):
            yield field.to_python(text)
