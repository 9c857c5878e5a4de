"""The dialect of Chat Completions: a request into a body, a body into a completion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiops.gateway.completion import Completion, ToolCall
from aiops.gateway.connections import Connection
from aiops.gateway.dialects.prompt_cache import prompt_cache
from aiops.gateway.dialects.reading import JsonObject, malformed, parsed, raw_usage, require_complete, short
from aiops.gateway.dialects.schema_words import with_schema
from aiops.gateway.dialects.sending import Facts, Sending
from aiops.gateway.plain_text import storable
from aiops.gateway.request import Request
from aiops.gateway.usage import usage_of_chat

PATH = "/chat/completions"
WHAT = "chat completion"


def sending_of(request: Request, connection: Connection, *, stream: bool = False) -> Sending:
    """What is sent. The fixed parts win over parameters of the same name."""
    body: dict[str, Any] = {
        **prompt_cache(request, connection),
        **request.parameters,
        # Azure knows deployments only; the model is what the price hangs on.
        "model": connection.azure_deployment or request.model,
        "messages": with_schema(request, connection),
        connection.output_limit_parameter: request.output_limit,
    }
    if request.schema is not None and connection.supports_json_schema:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": request.schema_name, "schema": request.schema, "strict": request.strict},
        }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return Sending(path=PATH, body=body)


def completion_of(content: bytes, facts: Facts) -> Completion:
    """Read an answer of status 200.

    Raises:
        Malformed: it is no chat completion at all.
        Incomplete: it is one, billed, that may not be passed on; the error holds it.
    """
    payload = parsed(content, facts, WHAT)
    try:
        return read(payload, facts)
    except (TypeError, LookupError, AttributeError) as error:
        raise malformed(content, facts, WHAT) from error


def read(payload: JsonObject, facts: Facts) -> Completion:
    """As `completion_of`, of a parsed body.

    Raises:
        TypeError, LookupError, AttributeError: it is no chat completion.
        Incomplete: as there.
    """
    choices = payload["choices"]
    if not isinstance(choices, list):
        raise TypeError(choices)
    usage = raw_usage(payload)
    first, *others = [*choices] or [{}]
    message = _message(first)
    return require_complete(
        Completion(
            text=storable(_text(message.get("content"))),
            model=short(payload.get("model"), 128),
            finish_reason=_reason(choices),
            refusal=storable("".join(str(_message(choice).get("refusal") or "") for choice in choices)),
            tool_calls=tuple(_tool_calls(message)) if message.get("tool_calls") else (),
            others=tuple(storable(_text(_message(other).get("content"))) for other in others),
            usage=usage_of_chat(usage),
            raw_usage=usage,
            request_id=facts.request_id,
            first_byte_ms=facts.first_byte_ms,
            total_ms=facts.total_ms,
            body=payload,
        )
    )


def _message(choice: JsonObject) -> JsonObject:
    message = choice.get("message") or {}
    if not isinstance(message, dict):
        raise TypeError(message)
    return message


def _reason(choices: list[JsonObject]) -> str:
    """Why the answer ended; of several choices, the one that ended badly speaks for all."""
    reasons = [short(choice.get("finish_reason"), 32) for choice in choices]
    return next((reason for reason in reasons if reason not in ("stop", "tool_calls")), reasons[0] if reasons else "")


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return ""


def _tool_calls(message: JsonObject) -> Iterator[ToolCall]:
    for call in message["tool_calls"]:
        asked: Mapping[str, Any] = call.get("function") or call.get("custom") or {}
        yield ToolCall(
            id=short(call.get("id"), 128),
            name=short(asked.get("name"), 128),
            arguments=storable(str(asked.get("arguments") or asked.get("input") or "")),
        )
