"""How a file is to be kept, checked before anything is read or sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from aiops.files.errors import BadFile
from aiops.files.source import MOST_BYTES
from aiops.gateway.connections import Connection
from aiops.gateway.retry import RetryPolicy

LEAST_SECONDS = 3600
MOST_SECONDS = 30 * 86_400
"""What OpenAI takes."""

_PURPOSE = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Where to, what for, until when, whose."""

    connection: Connection
    policy: RetryPolicy
    purpose: str = "user_data"
    """As the provider calls it."""

    name: str = ""
    """Empty for the file's own."""

    seconds: int | None = None
    """After which the provider is to delete it by itself; None: its own rule."""

    owner: Any = None
    """A user of the site; None: the shop itself."""

    again: bool = False
    """Whether the same bytes are sent although they are there."""

    most_bytes: int = MOST_BYTES

    def __post_init__(self) -> None:
        if not isinstance(self.purpose, str) or not _PURPOSE.fullmatch(self.purpose):
            raise BadFile(_("The purpose is %(purpose)s: give a word, such as user_data.") % {"purpose": self.purpose})
        if not isinstance(self.name, str):
            raise BadFile(_("The name is %(name)s: give a text.") % {"name": self.name})
        if self.seconds is not None and not LEAST_SECONDS <= self.seconds <= MOST_SECONDS:
            raise BadFile(_("A file may expire after one hour at the earliest and after 30 days at the latest."))


def seconds_of(time: Any) -> int | None:
    """Whole seconds of a time that somebody gave.

    Args:
        time: a `timedelta`, a number of seconds, or None.

    Raises:
        BadFile: it is none of them.
    """
    if time is None:
        return None
    if isinstance(time, timedelta):
        return round(time.total_seconds())
    if isinstance(time, int | float) and not isinstance(time, bool) and abs(time) < 1e12:
        return round(time)
    raise BadFile(_("expires_after is %(time)r: give a timedelta, or seconds.") % {"time": time})
