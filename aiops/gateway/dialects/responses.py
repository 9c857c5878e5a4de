"""The dialect of Responses: an answer into a completion. `responses_input.py` has the way there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiops.gateway.completion import Completion, ToolCall
from aiops.gateway.connections import Connection
from aiops.gateway.dialects.prompt_cache import prompt_cache
from aiops.gateway.dialects.reading import JsonObject, malformed, parsed, raw_usage, require_complete, short
from aiops.gateway.dialects.responses_input import input_of, parameters_of
from aiops.gateway.dialects.schema_words import with_schema
from aiops.gateway.dialects.sending import Facts, Sending
from aiops.gateway.errors import Interrupted, RateLimited, ServerFault
from aiops.gateway.plain_text import storable
from aiops.gateway.request import Request
from aiops.gateway.usage import usage_of_responses

PATH = "/responses"
WHAT = "response"


def sending_of(request: Request, connection: Connection, *, stream: bool = False) -> Sending:
    """What is sent. Nothing is stored by the provider unless a parameter says so."""
    parameters = parameters_of(request.parameters)
    text = parameters.pop("text", {})
    if request.schema is not None and connection.supports_json_schema:
        text = {
            **text,
            "format": {
                "type": "json_schema",
                "name": request.schema_name,
                "schema": request.schema,
                "strict": request.strict,
            },
        }
    body: dict[str, Any] = {
        "store": False,
        **prompt_cache(request, connection),
        **parameters,
        "model": connection.azure_deployment or request.model,
        "input": input_of(with_schema(request, connection)),
        "max_output_tokens": request.output_limit,
    }
    if text:
        body["text"] = text
    if stream:
        body["stream"] = True
    return Sending(path=PATH, body=body)


def completion_of(content: bytes, facts: Facts) -> Completion:
    """Read an answer of status 200.

    Raises:
        Malformed: it is no response at all.
        ServerFault, RateLimited: the provider says that it failed.
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
        TypeError, LookupError, AttributeError: it is no response.
        GatewayError: as there.
    """
    output = payload["output"]
    if not isinstance(output, list):
        raise TypeError(output)
    status = short(payload.get("status"), 32)
    usage = raw_usage(payload)
    if status == "failed":
        raise _failure(payload, facts)
    calls = tuple(_tool_calls(output))
    completion = Completion(
        text=storable("".join(_said(output, "output_text", "text"))),
        model=short(payload.get("model"), 128),
        finish_reason=_reason(payload, status, called=bool(calls)),
        refusal=storable("".join(_said(output, "refusal", "refusal"))),
        tool_calls=calls,
        usage=usage_of_responses(usage),
        raw_usage=usage,
        request_id=facts.request_id,
        first_byte_ms=facts.first_byte_ms,
        total_ms=facts.total_ms,
        body=payload,
    )
    return require_complete(completion)


def _reason(payload: JsonObject, status: str, *, called: bool) -> str:
    """In the words of Chat Completions; empty where the answer is not said to be complete."""
    if status == "completed":
        return "tool_calls" if called else "stop"
    if status == "incomplete":
        because = (payload.get("incomplete_details") or {}).get("reason")
        return {"max_output_tokens": "length"}.get(str(because), short(because, 32))
    return ""


def _said(output: list[JsonObject], kind: str, name: str) -> Iterator[str]:
    """What the final answer says; a model's remarks on the way to it (`commentary`) are none of it."""
    for item in output:
        if item.get("type") == "message" and item.get("phase") != "commentary":
            for part in item.get("content") or ():
                if part.get("type") == kind:
                    yield str(part.get(name) or "")


def _tool_calls(output: list[JsonObject]) -> Iterator[ToolCall]:
    for item in output:
        if item.get("type") in ("function_call", "custom_tool_call"):
            yield ToolCall(
                id=short(item.get("call_id") or item.get("id"), 128),
                name=short(item.get("name"), 128),
                arguments=storable(str(item.get("arguments") or item.get("input") or "")),
            )


def _failure(payload: JsonObject, facts: Facts) -> Exception:
    error = payload.get("error") or {}
    code, said = str(error.get("code") or ""), storable(str(error.get("message") or ""))[:500]
    known: dict[str, Any] = {"request_id": facts.request_id, "status": 200, "raw": said}
    if code == "rate_limit_exceeded":
        return RateLimited("The provider's rate limit is reached.", **known)
    if payload.get("usage"):
        # It worked, and counted, before it failed.
        return Interrupted(f"The provider failed in the middle of its answer. {said}".strip(), **known)
    return ServerFault(f"The provider failed. {said}".strip(), **known)
