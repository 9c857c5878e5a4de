"""What the commands of the switch share: who presses it, and how its state is told to programs."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from aiops.management.terminal import refused
from aiops.stops.errors import Stopped


def user_named(name: str) -> Any:
    """The user of that name; None where none is named.

    Raises:
        CommandError: there is no such user.
    """
    if not name:
        return None
    try:
        return get_user_model()._default_manager.get_by_natural_key(name)
    except get_user_model().DoesNotExist:
        raise refused(_("There is no user “%(name)s”.") % {"name": name}) from None


def as_json(refusal: Stopped | None) -> dict[str, object]:
    """Whether every call is stopped, and by whom, since when, why."""
    if refusal is None:
        return {"stopped": False, "by": None, "since": None, "because": None}
    return {
        "stopped": True,
        "by": refusal.by or None,
        "since": refusal.since.isoformat() if refusal.since else None,
        "because": refusal.because,
    }
