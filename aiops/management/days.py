"""Days of UTC as people type them: `2026-11-01`, or `7d` for the seventh before today."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, date

from django.utils import timezone

from aiops.management.ages import age


def utc_day(text: str) -> date:
    """A type for argparse.

    Raises:
        ArgumentTypeError: it is no day.
    """
    if text[-1:] in ("d", "w"):
        return timezone.now().astimezone(UTC).date() - age(text)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no day: write 2026-11-01, or 7d for seven days ago") from None
