"""How long ago something was, in words and in whole seconds."""

from __future__ import annotations

from datetime import datetime

from aiops.templatetags.aiops_format import seconds


def age(moment: datetime, now: datetime) -> int:
    """Whole seconds; never below zero, for clocks of hosts differ."""
    return max(0, int((now - moment).total_seconds()))


def long(whole_seconds: int) -> str:
    """`12 s`, `5 min 0 s`, `3 h 12 min`."""
    return seconds(whole_seconds)
