"""Models that are about to go while a connection asks them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.utils import timezone

from aiops.gateway.connections import Connection, usable_connections
from aiops.gateway.model_ends import end_of


def check_model_ends(**_: Any) -> list[CheckMessage]:
    """W012: the model of a connection ends within 60 days, or has ended."""
    usable, _wrong = usable_connections()
    return ending(usable.values(), today=timezone.localdate())


def ending(connections: Iterable[Connection], *, today: date) -> list[CheckMessage]:
    """A warning for each connection whose own model is near its end, or beyond it."""
    found: list[CheckMessage] = []
    for connection in connections:
        end = end_of(connection, connection.model)
        if end is None or not end.is_near(today):
            continue
        day = f" on {end.day.isoformat()}" if end.day else ""
        said = f"{'ended' if day else 'has ended'}{day}" if end.is_over(today) else f"ends{day}"
        instead = end.successor or "another one; `manage.py sync_models` and the catalogue say what there is"
        found.append(
            Warning(
                f"The model {connection.model} of the connection '{connection.alias}' {said}.",
                hint=f"Set MODEL of AIOPS['CONNECTIONS']['{connection.alias}'], or OPENAI_MODEL in the environment, "
                f"to {instead}.",
                id="aiops.W012",
            )
        )
    return found
