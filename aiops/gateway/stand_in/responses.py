"""Responses: `POST …/responses`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from aiops.gateway.stand_in.counting import responses_usage
from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.operation import Problem, Streamed
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.responses_events import Events
from aiops.gateway.stand_in.responses_input import PARTS, messages_of, wrong_part
from aiops.gateway.stand_in.responses_items import items_of
from aiops.gateway.stand_in.said import Said
from aiops.gateway.stand_in.talking import Talking

LEAST_OUTPUT = 16
"""Tokens; what the real one takes as the lowest `max_output_tokens`."""

_ECHOED: Mapping[str, Any] = {
    "background": False,
    "conversation": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats of its request, and what it says where the request said nothing."""


class Responses(Talking):
    """A list of items, whole or as typed events."""

    name = "responses"
    tells_failure = True
    usage = staticmethod(responses_usage)

    def messages(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        return messages_of(body)

    def problem(self, received: Received) -> Problem | None:
        body = received.body
        if not body.get("input") and not any(body.get(name) for name in ("previous_response_id", "conversation")):
            return Problem(message="Missing required parameter: 'input'.")
        if body.get("previous_response_id") and body.get("conversation"):
            return Problem(message="Mutually exclusive parameters: 'previous_response_id' and 'conversation'.")
        part = wrong_part(body)
        if part:
            return Problem(message=f"Invalid value: '{part}'. Supported values are: {', '.join(map(repr, PARTS))}.")
        schema_format = received.schema_format
        if schema_format is not None and not (schema_format.get("name") and "schema" in schema_format):
            missing = "schema" if schema_format.get("name") else "name"
            return Problem(message=f"Missing required parameter: 'text.format.{missing}'.")
        limit = received.output_limit
        if limit is not None and limit < LEAST_OUTPUT:
            return Problem(
                message="Invalid 'max_output_tokens': integer below minimum value. "
                f"Expected a value >= {LEAST_OUTPUT}, but got {limit} instead."
            )
        return None

    def error_for(self, said: Said, *, streamed: bool) -> Problem | None:
        return None

    def body(self, draft: Draft) -> bytes:
        return json.dumps(finished(draft, items_of(draft))).encode()

    def streamed(self, draft: Draft) -> Streamed:
        items = items_of(draft)
        events = Events()
        begun = _response(draft, "in_progress", [])
        events.add("response.created", response=begun)
        events.add("response.in_progress", response=begun)
        for index, item in enumerate(items):
            events.add_item(index, item)
        pieces = events.taken()
        response = finished(draft, items)
        if response["status"] in ("completed", "incomplete", "failed"):
            events.add(f"response.{response['status']}", response=response)
        return Streamed(pieces=pieces, ending=events.taken())


def finished(draft: Draft, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The response when nothing more is to come."""
    said = draft.said
    response = _response(draft, _status(said), items)
    if said.failure is not None:
        response["error"] = {"code": said.failure.code, "message": said.failure.message}
    if said.finish_reason == "length":
        response["incomplete_details"] = {"reason": "max_output_tokens"}
    elif said.finish_reason == "content_filter":
        response["incomplete_details"] = {"reason": "content_filter"}
    if draft.usage is not None:
        response["usage"] = draft.usage
    return response


def _status(said: Said) -> str | None:
    if said.failure is not None:
        return "failed"
    if said.finish_reason in ("length", "content_filter"):
        return "incomplete"
    # As a chat without a finish reason, it does not say that it has ended.
    return "in_progress" if said.finish_reason is None and not said.nothing else "completed"


def _response(draft: Draft, status: str | None, items: list[dict[str, Any]]) -> dict[str, Any]:
    asked = draft.received.body
    return {
        "id": f"resp_{draft.id}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": draft.model,
        "output": items,
        "service_tier": "default",
        "usage": None,
        **{name: default if asked.get(name) is None else asked[name] for name, default in _ECHOED.items()},
    }
