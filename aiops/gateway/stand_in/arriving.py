"""A request as it arrives: its body parsed, and all of it as it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiops.gateway.stand_in.forms import parsed_form
from aiops.gateway.stand_in.operation import Operation
from aiops.gateway.stand_in.received import Received, ReceivedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One request as HTTP has it."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names are found in any case."""
    query: Mapping[str, str]
    content: bytes


def received(arrived: Arrived, operation: Operation | None, *, number: int) -> Received:
    """The request as it is kept."""
    body, files = _parsed(arrived, keep=operation is not None and operation.keeps_files)
    return Received(
        number=number,
        operation=operation.name if operation else "",
        method=arrived.method,
        path=arrived.path,
        headers=arrived.headers,
        body=body,
        messages=operation.messages(body) if operation and isinstance(body, dict) else [],
        files=files,
        at=datetime.now(UTC),
        query=arrived.query,
    )


def _parsed(arrived: Arrived, *, keep: bool) -> tuple[Any, list[ReceivedFile]]:
    """The parsed JSON, or the fields of a form and its files; None where it is neither."""
    if not arrived.content:
        return None, []
    content_type = arrived.headers.get("Content-Type", "")
    if content_type.startswith("multipart/"):
        try:
            return parsed_form(content_type, arrived.content, keep=keep)
        except (ValueError, AttributeError, TypeError):
            return None, []
    try:
        return json.loads(arrived.content), []
    except (ValueError, RecursionError):
        return None, []
