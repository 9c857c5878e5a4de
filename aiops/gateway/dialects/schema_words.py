"""A schema for a server that has no parameter for one: it is told in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiops.gateway.connections import Connection
from aiops.gateway.request import Request

SAID = "Answer with JSON that satisfies this JSON Schema: "
"""Counted for by `sizes.SCHEMA_IN_WORDS`."""


def with_schema(request: Request, connection: Connection) -> Sequence[Mapping[str, Any]]:
    """The messages as they are sent: where the connection has no other place for the schema, it stands in the first.

    Many servers take one system message only, and only as the first: one that is there is gone on with.
    """
    if request.schema is None or connection.supports_json_schema:
        return request.messages
    told = SAID + json.dumps(request.schema, ensure_ascii=False)
    first, *others = request.messages
    content = first.get("content")
    if first.get("role") in ("system", "developer") and isinstance(content, str) and content:
        return [{**first, "content": f"{content}\n\n{told}"}, *others]
    return [{"role": "system", "content": told}, *request.messages]
