"""Whether what a worker leaves behind is waited for neither too short nor too long."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from aiops.options import InvalidOption, options

LEAST_AT_WORK = 2
"""Seconds: a worker says several times a second that it is there, and a database may need as long to hear it."""


def check_leases(**_: Any) -> list[CheckMessage]:
    """E016, W016: a worker that is at work must not be taken for dead, nor a message that waits for lost."""
    try:
        given = options()
    except InvalidOption:
        return []  # E001 says so.
    found: list[CheckMessage] = []
    if given.at_work_seconds < LEAST_AT_WORK:
        found.append(
            Error(
                f"AIOPS['AT_WORK_SECONDS'] is {given.at_work_seconds}: two workers would be at one job.",
                hint=f"Set it to {LEAST_AT_WORK} or more; 60 where nobody has to be quick.",
                id="aiops.E016",
            )
        )
    if given.unheard_seconds <= given.slice_seconds:
        found.append(
            Warning(
                f"AIOPS['UNHEARD_SECONDS'] is {given.unheard_seconds}: a job that waits for its turn would be rung for "
                "again and again, and lose its place in the queue.",
                hint=f"Set it well above SLICE_SECONDS ({given.slice_seconds}), as to 300.",
                id="aiops.W016",
            )
        )
    return found
