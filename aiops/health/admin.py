"""The page of health in the admin: one page in place of a list."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from aiops.health.examine import examine
from aiops.health.signs import Level, Sign
from aiops.jobs.models import Heartbeat
from aiops.one_page import OnePageAdmin
from aiops.options import InvalidOption

STATES = {
    Level.OK: ("succeeded", gettext_lazy("well")),
    Level.WARN: ("paused", gettext_lazy("to know of")),
    Level.BAD: ("failed", gettext_lazy("wrong")),
}


@admin.register(Heartbeat)
class HealthAdmin(OnePageAdmin[Heartbeat]):
    """What `manage.py health` says, for people."""

    heading = gettext_lazy("Health")
    # Whoever may see jobs may see why they stand still.
    permission = "aiops.view_job"
    page_template = "aiops/health/health.html"

    def shown(self, request: HttpRequest) -> dict[str, Any]:
        """How everything is; nobody is called for it."""
        now = timezone.now()
        try:
            found = examine(now)
        except InvalidOption as error:
            return {"trouble": error, "now": now}
        worst_first = sorted(found.signs, key=lambda sign: list(reversed(Level)).index(sign.level))
        state, word = STATES[found.level]
        return {
            "now": now,
            "state": state,
            "word": word,
            "sentence": found.sentence(),
            "rows": [(*STATES[sign.level], sign, self._url(sign)) for sign in worst_first],
            "clusters": found.clusters,
        }

    def _url(self, sign: Sign) -> str:
        name, _mark, query = sign.page.partition("?")
        if not name:
            return ""
        try:
            url = reverse(f"admin:{name}", current_app=self.admin_site.name)
        except NoReverseMatch:
            # A site of the admin without that page.
            return ""
        return f"{url}?{query}" if query else url
