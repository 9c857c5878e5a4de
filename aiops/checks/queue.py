"""Whether the queue gives no task out twice while it is being worked on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from aiops.gateway.connections import usable_connections
from aiops.options import InvalidOption, options

TUNING: dict[str, tuple[Any, Any, str]] = {
    # name: (what django-q2 takes where it is not set, what it should be, why)
    "queue_limit": (None, 1, "the lock starts when a message is fetched, not when work starts"),
    "bulk": (1, 1, "the lock starts when a message is fetched, not when work starts"),
    "ack_failures": (False, True, "a task that failed would come back for ever"),
    "max_attempts": (0, 1, "rows count their own attempts"),
    "catch_up": (True, False, "a cluster that was down would run each missed tick"),
}


def check_lease(**_: Any) -> list[CheckMessage]:
    """E005, E006 and E008: a task ends, or is ended, well before it would be given out again."""
    queue = getattr(settings, "Q_CLUSTER", {})
    if not isinstance(queue, Mapping):
        return [
            Error(
                f"The setting Q_CLUSTER is of type {type(queue).__name__}: it must be a dictionary.",
                hint="Correct it in the settings; docs/reference/settings.md has one to copy.",
                id="aiops.E008",
            )
        ]
    timeout, retry = queue.get("timeout"), queue.get("retry", 60)
    found: list[CheckMessage] = [
        Error(
            f"Q_CLUSTER['{name}'] is {value!r}: it must be a number of seconds.",
            hint=f"Set Q_CLUSTER['{name}'] = {instead}.",
            id=number,
        )
        for name, value, instead, number in (
            ("retry", retry, 600, "aiops.E005"),
            ("timeout", timeout or 0, 240, "aiops.E006"),
        )
        if not _is_number(value)
    ]
    if found:
        return found
    if longest := _longest_task():
        slice_seconds, deadline = longest
        if not timeout or timeout <= slice_seconds + deadline:
            found.append(
                Error(
                    f"Q_CLUSTER['timeout'] is {timeout}: a worker would be killed in the middle of a call.",
                    hint=f"Set it above {slice_seconds + deadline:g}: SLICE_SECONDS ({slice_seconds:g}) "
                    f"and the longest DEADLINE of a connection ({deadline:g}).",
                    id="aiops.E006",
                )
            )
    if timeout and retry <= 2 * timeout:
        found.append(
            Error(
                f"Q_CLUSTER['retry'] is {retry}: a task that is still at work would be given out again.",
                hint=f"Set it above {2 * timeout:g}, twice Q_CLUSTER['timeout'].",
                id="aiops.E005",
            )
        )
    return found


def check_tuning(**_: Any) -> list[CheckMessage]:
    """W006, W007 and W008: settings of the queue under which work is done twice, lost, or not in the background."""
    queue = getattr(settings, "Q_CLUSTER", {})
    if not isinstance(queue, Mapping):
        return []  # E008 says so.
    found: list[CheckMessage] = [
        Warning(
            f"Q_CLUSTER['{name}'] is {queue.get(name, untouched)!r}, not {wanted!r}: {why}.",
            hint=f"Set Q_CLUSTER['{name}'] = {wanted!r}.",
            id="aiops.W006",
        )
        for name, (untouched, wanted, why) in TUNING.items()
        if queue.get(name, untouched) != wanted
    ]
    if not queue.get("orm"):
        found.append(
            Warning(
                "Q_CLUSTER names no database for the queue: with another broker a task of a killed worker is gone.",
                hint="Set Q_CLUSTER['orm'] = 'default'.",
                id="aiops.W007",
            )
        )
    if queue.get("sync"):
        found.append(
            Warning(
                "Q_CLUSTER['sync'] is on: jobs run inside the request that starts them.",
                hint="Take it out, and run manage.py work beside the site.",
                id="aiops.W008",
            )
        )
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _longest_task() -> tuple[float, float] | None:
    """Seconds of a slice, and of the last call begun in it; None where the settings themselves are wrong."""
    usable, wrong = usable_connections()
    try:
        return None if wrong else (options().slice_seconds, max(each.deadline for each in usable.values()))
    except InvalidOption:
        return None  # E001 or E002 says so.
