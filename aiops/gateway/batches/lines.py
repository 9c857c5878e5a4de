"""One line of a batch: a request as it is written, an answer as it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.dialects import AnyRequest, Facts, dialect_of
from aiops.gateway.errors import BadRequest, GatewayError, Malformed, QuotaExhausted, ServerFault, Unanswered
from aiops.gateway.plain_text import storable
from aiops.gateway.translate import NO_CREDIT, error_of_status

NOT_ITS_TURN = frozenset({"batch_expired", "batch_cancelled"})
"""Codes of lines that were never asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What came of one line."""

    custom_id: str
    completion: Completion | None = None
    error: GatewayError | None = None
    """Exactly one of the two is there."""

    was_answered: bool = True
    """Whether a model answered it, usably or not: such lines are what the provider counts, and bills."""


def endpoint_of(request: AnyRequest, connection: Connection) -> str:
    """What all lines of a batch name."""
    return f"/v1{dialect_of(request, connection).sending_of(request, connection).path}"


def line_of(custom_id: str, request: AnyRequest, connection: Connection) -> bytes:
    """The request as a line, its end included. The body is that of a live request."""
    sending = dialect_of(request, connection).sending_of(request, connection)
    line = {"custom_id": custom_id, "method": "POST", "url": f"/v1{sending.path}", "body": sending.body}
    try:
        return f"{json.dumps(line, ensure_ascii=False)}\n".encode()
    except UnicodeEncodeError:
        # Half a character: as an escape it is no trouble to anybody.
        return f"{json.dumps(line)}\n".encode()


def read_line(raw: bytes, request: AnyRequest, connection: Connection) -> Line | None:
    """What a line of results says; None where it names nothing that was asked.

    Args:
        request: any of the batch: they are all of one kind.
    """
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not isinstance(told.get("custom_id"), str):
        return None
    custom_id, response = told["custom_id"], told.get("response")
    was_answered = isinstance(response, dict) and response.get("status_code") == 200
    try:
        completion = _completion(told, request, connection)
    except GatewayError as error:
        return Line(custom_id=custom_id, error=error, was_answered=was_answered)
    return Line(custom_id=custom_id, completion=completion)


def _completion(told: Mapping[str, Any], request: AnyRequest, connection: Connection) -> Completion:
    response = told.get("response")
    if not isinstance(response, dict):
        raise _error(told.get("error"))
    status = response.get("status_code")
    if not isinstance(status, int):
        raise Malformed("The line of the batch has no status.")
    request_id = storable(str(response.get("request_id") or ""))[:128]
    body = response.get("body")
    content = body if isinstance(body, str) else json.dumps(body)
    if status == 200:
        facts = Facts(request_id=request_id, content_type="application/json")
        return dialect_of(request, connection).completion_of(content.encode(errors="replace"), facts)
    raise error_of_status(status, content, {"x-request-id": request_id})


def _error(error: Any) -> GatewayError:
    """Our error for a line that has no answer at all."""
    known = error if isinstance(error, dict) else {}
    code, said = str(known.get("code") or ""), storable(str(known.get("message") or ""))[:500]
    if code in NOT_ITS_TURN:
        return Unanswered("The batch ended before it was the turn of this line.")
    if code in NO_CREDIT:
        return QuotaExhausted(f"The provider's account has no credit left ({code}).")
    if code.startswith("invalid"):
        return BadRequest(f"The provider refuses the line. {said}".strip())
    return ServerFault(f"The provider failed at this line. {said}".strip())
