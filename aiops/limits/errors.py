"""Why a call was not let through.

gateway.Transient
└── TooBusy              the limit is reached for longer than the caller would wait; nothing was sent
"""

from __future__ import annotations

import math
from typing import ClassVar

from django.utils.translation import ngettext

from aiops.gateway.errors import Transient


class TooBusy(Transient):
    """`.retry_after` is when there is room, in seconds, at the earliest."""

    kind: ClassVar[str] = "too_busy"

    def __init__(self, connection: str, model: str, retry_after: float) -> None:
        seconds = max(1, math.ceil(retry_after))
        text = ngettext(
            "The limit of “%(model)s” on “%(connection)s” is reached: there is room in %(seconds)d second or more.",
            "The limit of “%(model)s” on “%(connection)s” is reached: there is room in %(seconds)d seconds or more.",
            seconds,
        )
        super().__init__(
            text % {"model": model, "connection": connection, "seconds": seconds}, retry_after=max(0.0, retry_after)
        )
