"""Filters of the log whose choices come from elsewhere than a walk through all of it."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from aiops.gateway.connections import usable_connections
from aiops.lists import ExactFilter
from prompts.models import PromptVersion
from prompts.numbers import number_in

NEWEST = 20
"""Versions offered."""


class ConnectionFilter(ExactFilter):
    """By alias: those of the settings, and the one that is asked for."""

    title = _("connection")
    parameter_name = field = "connection"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        usable, _wrong = usable_connections()
        return [(name, name) for name in sorted({*usable, self.value() or ""} - {""})]


class VersionFilter(ExactFilter):
    """By version: the newest, and the one that is asked for."""

    title = _("version")
    parameter_name = "version"
    field = "prompt_version"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        versions = PromptVersion.objects.select_related("prompt").only("number", "prompt", "prompt__name")
        shown = {str(version.pk): str(version) for version in versions.order_by("-pk")[:NEWEST]}
        asked = self.asked()
        if asked is not None and str(asked) not in shown:
            shown |= {str(version.pk): str(version) for version in versions.filter(pk=asked)}
        return list(shown.items())

    def asked(self) -> int | None:
        return number_in(self.value() or "")


class StatusFilter(ExactFilter):
    """By state, whatever states the rows of the list can have."""

    title = _("status")
    parameter_name = field = "status"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in model_admin.model.Status.choices]
