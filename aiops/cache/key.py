"""The key of a question: the same for two requests only if nothing that decides the answer differs between them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from hashlib import sha256
from typing import Any

from aiops.gateway.connection import Connection
from aiops.gateway.request import Request

FORM = 1
"""Of the text that is hashed. It is part of it: what was kept by another form is not found by this one."""

INDIFFERENT = frozenset(
    {
        "alias",
        "name",
        "model",
        "api_key",
        "provider",
        "free",
        "max_in_flight",
        "deadline",
        "connect_timeout",
        "max_in_flight_overall",
        "model_limits",
        "tokenizer",
        "output_limit",
        "redact",
        "requests_per_minute",
        "tokens_per_minute",
    }
)
"""Options of a connection that no answer depends on. All others are part of the key, those to come included: to ask
once too often costs a little, a wrong answer costs more."""

_APART = frozenset({"connection", "messages", "prompt_cache_key"})
_REST = tuple(field.name for field in fields(Request) if field.name not in _APART)
_PARAMETERS = _REST.index("parameters")


def key_of(request: Request, connection: Connection, *, operation: str = "completion") -> str:
    """64 hexadecimal digits, the same in every process and on every Python.

    The order of names in a message, and that of the parameters, does not matter. It does within a schema and within a
    parameter: models write in the order in which they are asked to.

    Args:
        operation: what kind of thing is asked for, where requests of several kinds could look alike.

    Raises:
        ValueError, TypeError, RecursionError: something in it is no JSON; it could not be sent either.
    """
    rest = [getattr(request, name) for name in _REST]
    rest[_PARAMETERS] = sorted(request.parameters.items())
    # Everything is ASCII with its NULs escaped, so that a NUL ends each part without doubt.
    text = f"{_place(connection, operation)}\0{_sorted(request.messages)}\0{_as_written(rest)}"
    return sha256(text.encode("ascii")).hexdigest()


@cache
def _place(connection: Connection, operation: str) -> str:
    """Where it goes, whatever that is called in the settings. Never with its key."""
    options = {
        field.name: getattr(connection, field.name) for field in fields(connection) if field.name not in INDIFFERENT
    }
    return _sorted([FORM, operation, options])


def _mapping(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


# Made once: `json.dumps` with options would make one at each call.
_sorted = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, default=_mapping).encode
_as_written = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_mapping).encode
