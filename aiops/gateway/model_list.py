"""What models a server says it has: `GET …/models`, which costs nothing and asks nothing of a model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import openai

from aiops.gateway.clients import sync_client
from aiops.gateway.connections import Connection
from aiops.gateway.errors import Interrupted, Malformed
from aiops.gateway.plain_text import storable
from aiops.gateway.translate import error_of

LONGEST_NAME = 128
"""What the log can hold of a model's name; a longer one could not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """A model, as its server lists it."""

    name: str

    shut_down: date | None = None
    """The first day on which it is gone, where the server says so."""


def list_models(connection: Connection) -> tuple[ListedModel, ...]:
    """Ask a server for its models, by name, each once.

    Raises:
        MissingKey: the connection needs a key and has none.
        GatewayError: no list came.
    """
    limit = httpx2.Timeout(min(connection.deadline, 30.0), connect=connection.connect_timeout)
    try:
        response = sync_client(connection).get("/models", cast_to=httpx2.Response, options={"timeout": limit})
        content = response.read()
    except openai.OpenAIError as error:
        raise error_of(error) from error
    except httpx2.HTTPError as error:
        raise Interrupted("The connection broke before the list of models was complete.") from error
    return listed(content)


def listed(content: bytes) -> tuple[ListedModel, ...]:
    """The models in an answer.

    Raises:
        Malformed: it is no list of models.
    """
    try:
        data = json.loads(content)["data"]
        found = {str(item["id"]): item for item in data}
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raw = storable(content[:1000].decode(errors="replace"))
        raise Malformed("The server's answer is no list of models.", raw=raw) from error
    return tuple(
        ListedModel(name=name, shut_down=_day(item.get("shutdown_date")))
        for name, item in sorted(found.items())
        if name == storable(name) and 0 < len(name) <= LONGEST_NAME
    )


def _day(told: Any) -> date | None:
    """A day as servers write it: `2027-01-14`, a longer ISO time, or seconds since 1970."""
    try:
        if isinstance(told, int | float) and not isinstance(told, bool):
            return datetime.fromtimestamp(told, UTC).date()
        return datetime.fromisoformat(told).date() if isinstance(told, str) else None
    except (ValueError, OverflowError, OSError):
        return None
