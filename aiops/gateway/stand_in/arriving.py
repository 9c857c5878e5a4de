"""A request read from its connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from aiops.gateway.stand_in.forms import parsed_form
from aiops.gateway.stand_in.operation import Operation
from aiops.gateway.stand_in.received import Received, ReceivedFile

_NO_QUERY: Mapping[str, str] = {}


async def read_body(request: web.BaseRequest, operation: Operation | None) -> tuple[Any, list[ReceivedFile]]:
    """The parsed JSON, or the fields of a form and its files; None where it is neither.

    Raises:
        ConnectionError, web.RequestPayloadError: it never arrived as a whole.
    """
    raw = await request.content.read()
    if not raw:
        return None, []
    content_type = request.headers.get("Content-Type", "")
    if content_type.startswith("multipart/"):
        try:
            return parsed_form(content_type, raw, keep=operation is not None and operation.keeps_files)
        except (ValueError, AttributeError, TypeError):
            return None, []
    try:
        return json.loads(raw), []
    except (ValueError, RecursionError):
        return None, []


def received(
    request: web.BaseRequest, operation: Operation | None, body: Any, files: list[ReceivedFile], *, number: int
) -> Received:
    """The request as it is kept."""
    return Received(
        number=number,
        operation=operation.name if operation else "",
        method=request.method,
        path=request.path,
        headers=request.headers,
        body=body,
        messages=operation.messages(body) if operation and isinstance(body, dict) else [],
        files=files,
        at=datetime.now(UTC),
        query=request.query if "?" in request.raw_path else _NO_QUERY,
    )
