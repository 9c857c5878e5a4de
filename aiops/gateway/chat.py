"""The dialect of Chat Completions: a request into a body, a body into a completion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.errors import CutOff, Empty, Filtered, Incomplete, Malformed, Refused
from aiops.gateway.plain_text import TooDeep, storable, storable_data
from aiops.gateway.request import Request
from aiops.gateway.usage import usage_of_chat

PATH = "/chat/completions"

RAW_KEPT = 100_000
"""Characters of a body that is no answer which are kept for people to look at."""


def body_of(request: Request, connection: Connection) -> dict[str, Any]:
    """What is sent. The fixed parts win over parameters of the same name."""
    body: dict[str, Any] = {
        **request.parameters,
        # Azure knows deployments only; the model is what the price hangs on.
        "model": connection.azure_deployment or request.model,
        "messages": request.messages,
        connection.output_limit_parameter: request.output_limit,
    }
    if request.schema is not None and connection.supports_json_schema:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": request.schema_name, "schema": request.schema, "strict": True},
        }
    return body


def completion_of(
    content: bytes, *, request_id: str = "", first_byte_ms: int | None = None, total_ms: int | None = None
) -> Completion:
    """Read an answer of status 200.

    Raises:
        Malformed: it is no chat completion at all.
        Incomplete: it is one, billed, that may not be passed on; the error holds it.
    """
    payload, choice, message = _read(content, request_id)
    raw_usage = _usage(payload)
    completion = Completion(
        text=storable(_text(message.get("content"))),
        model=storable(str(payload.get("model") or ""))[:128],
        finish_reason=storable(str(choice.get("finish_reason") or ""))[:32],
        refusal=storable(str(message.get("refusal") or "")),
        usage=usage_of_chat(raw_usage),
        raw_usage=raw_usage,
        request_id=request_id,
        first_byte_ms=first_byte_ms,
        total_ms=total_ms,
    )
    _require_complete(completion, has_choice=bool(choice))
    return completion


JsonObject = Mapping[str, Any]


def _read(content: bytes, request_id: str) -> tuple[JsonObject, JsonObject, JsonObject]:
    """The body, its first choice and that one's message; the last two are empty where there is no choice.

    Raises:
        Malformed: they are not there, or are something else.
    """
    try:
        payload = json.loads(content)
        choices = payload["choices"]
        choice = choices[0] if choices else {}
        message = choice.get("message") or {}
        if isinstance(choices, list) and isinstance(message, dict):
            return payload, choice, message
    except (ValueError, RecursionError, TypeError, LookupError, AttributeError):
        pass
    raw = storable(content[:RAW_KEPT].decode(errors="replace"))
    raise Malformed("The provider's answer is no chat completion.", status=200, request_id=request_id, raw=raw)


def _usage(payload: JsonObject) -> JsonObject:
    usage = payload.get("usage")
    try:
        return storable_data(usage) if isinstance(usage, dict) else {}
    except TooDeep:
        return {}


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return ""


def _require_complete(completion: Completion, *, has_choice: bool) -> None:
    if completion.refusal:
        raise Refused(f"The model declined: {completion.refusal[:300]}", completion)
    if completion.finish_reason == "content_filter":
        raise Filtered("The provider's content filter stopped the answer.", completion)
    if completion.finish_reason == "length":
        raise CutOff("The answer was cut off at its output limit; raise the version's output limit.", completion)
    if not has_choice or not completion.text.strip():
        raise Empty("The provider's answer is empty.", completion)
    if not completion.finish_reason:
        raise Incomplete("The provider did not say that the answer is complete.", completion)
