"""Filters of the log whose choices come from elsewhere than a walk through all of it."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import BigIntegerField, CharField, F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from aiops.gateway.connections import usable_connections
from prompts.models import PromptVersion
from prompts.numbers import number_in

NEWEST = 20
"""Versions offered."""


class ConnectionFilter(SimpleListFilter):
    """By alias: those of the settings, and the one that is asked for."""

    title = _("connection")
    parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        usable, _wrong = usable_connections()
        return [(name, name) for name in sorted({*usable, self.value() or ""} - {""})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        alone = not is_rare(request) and not request.GET.get("version")
        return narrowed(queryset, "connection", self.value(), indexed=alone)


class VersionFilter(SimpleListFilter):
    """By version: the newest, and the one that is asked for."""

    title = _("version")
    parameter_name = "version"

    field = "prompt_version"
    """Name of the foreign key."""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        versions = PromptVersion.objects.select_related("prompt").only("number", "prompt", "prompt__name")
        shown = {str(version.pk): str(version) for version in versions.order_by("-pk")[:NEWEST]}
        asked = number_in(self.value() or "")
        if asked is not None and str(asked) not in shown:
            shown |= {str(version.pk): str(version) for version in versions.filter(pk=asked)}
        return list(shown.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        asked = number_in(self.value() or "")
        if asked is None:
            return queryset.none()
        return narrowed(queryset, self.field, asked, indexed=not is_rare(request))


class StatusFilter(SimpleListFilter):
    """By state, whatever states the rows of the list can have."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in model_admin.model.Status.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return narrowed(queryset, "status", self.value(), indexed=is_rare(request) or not others(request))


USUAL = {"succeeded", "finished"}
"""States that nearly all rows of a long log are in."""


def is_rare(request: HttpRequest) -> bool:
    """Whether a state is asked for that few rows are in: then its index is the one to walk along."""
    return request.GET.get("status", "") not in {"", *USUAL}


def others(request: HttpRequest) -> bool:
    """Whether something else than the state is asked for."""
    return any(request.GET.get(name) for name in ("connection", "version", "job_id", "item_id"))


def narrowed(rows: QuerySet[Any], field: str, value: Any, *, indexed: bool) -> QuerySet[Any]:
    """Rows whose `field` is `value`.

    Of several conditions a database without statistics takes any index, which may mean to read half the log for a few
    rows; one that is not `indexed` is only checked on the rows that the others find.
    """
    if indexed:
        return rows.filter(**{field: value})
    nothing = Value(0 if isinstance(value, int) else "")
    output = BigIntegerField() if isinstance(value, int) else CharField()
    checked = Coalesce(F(field), nothing, output_field=output)
    found: QuerySet[Any] = rows.alias(**{f"checked_{field}": checked}).filter(**{f"checked_{field}": value})
    return found
