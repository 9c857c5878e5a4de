"""Why nothing is asked of anybody just now."""

from __future__ import annotations

from datetime import datetime

from django.utils import formats, timezone
from django.utils.translation import gettext as _


class Stopped(Exception):
    """Every call is stopped. `str(error)` says who did it, when, why, and how to go on."""

    kind = "stopped"

    def __init__(self, *, because: str, by: str = "", since: datetime | None = None) -> None:
        """
        Args:
            because: as whoever did it wrote it.
            by: name of the person; empty where it was a command.
            since: None where the settings say so.
        """
        self.because, self.by, self.since = because, by, since
        if since is None:
            text = _('Every call is stopped by the settings: %(why)s Take AIOPS["STOPPED"] out to go on.')
        elif by:
            text = _(
                "Every call was stopped by %(who)s on %(when)s: %(why)s "
                "To go on, choose “Let calls go on” under Stops, or run manage.py resume_calls."
            )
        else:
            text = _(
                "Every call was stopped on %(when)s: %(why)s "
                "To go on, choose “Let calls go on” under Stops, or run manage.py resume_calls."
            )
        super().__init__(text % {"who": by, "when": _local(since), "why": _sentence(because)})


class NotStopped(Exception):
    """There is nothing to let go on, or the settings do not let it."""


def _local(moment: datetime | None) -> str:
    return formats.date_format(timezone.localtime(moment), "DATETIME_FORMAT") if moment else ""


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
