"""The setting `AIOPS` itself."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error

from aiops.jobs.doorbell import doorbell
from aiops.limits.store import chosen_store
from aiops.options import InvalidOption, options


def check_options(**_: Any) -> list[CheckMessage]:
    """E001: an option that does not exist, or a value it cannot have."""
    try:
        options()
        doorbell()
        chosen_store()
    except InvalidOption as error:
        return [
            Error(str(error), hint="Correct it in the settings; docs/reference/settings.md names all.", id="aiops.E001")
        ]
    return []
