"""Whether that which may not leave would be found."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error

from aiops.gateway.connections import usable_connections
from aiops.options import InvalidOption, options
from aiops.redaction import InvalidDetector, load_detector


def check_redaction(**_: Any) -> list[CheckMessage]:
    """E010: a detector that cannot be used. Every call over its connection would be refused."""
    usable, _wrong = usable_connections()
    try:
        paths = [*options().redact, *(path for one in usable.values() for path in one.redact or ())]
    except InvalidOption:
        return []  # E001 says so.
    found: list[CheckMessage] = []
    for path in dict.fromkeys(paths):
        try:
            detector = load_detector(path)
            if hasattr(detector, "check"):
                detector.check()
        except InvalidDetector as error:
            hint = "Correct REDACT in AIOPS or in the connection; until then nothing is sent where it is named."
            found.append(Error(str(error), hint=hint, id="aiops.E010"))
    return found
