"""The items that a response puts out: reasoning, a message of text or a refusal, calls of functions."""

from __future__ import annotations

from typing import Any

from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.logprobs import logprobs_by_piece, wanted
from aiops.gateway.stand_in.said import ToolCall

THOUGHT = "Reading what was asked and weighing the answer."
"""The summary of its reasoning, where one is asked for."""


def items_of(draft: Draft) -> list[dict[str, Any]]:
    """All items of this answer, as they are when they are done."""
    said = draft.said
    if said.nothing:
        return []
    items = [_reasoning(draft)] if draft.reasons else []
    if said.text or said.refusal or not (said.failure or said.tool_calls):
        items.append(_message(draft))
    return items + [_call(draft, *numbered) for numbered in enumerate(said.tool_calls)]


def _call(draft: Draft, index: int, call: ToolCall) -> dict[str, Any]:
    return {
        "id": f"fc_{draft.id}_{index}",
        "type": "function_call",
        "call_id": f"call_{draft.id}_0_{index}",
        "name": call.name,
        "arguments": call.arguments,
        "status": "completed",
    }


def _reasoning(draft: Draft) -> dict[str, Any]:
    asked = draft.received.body
    wants_summary = isinstance(asked.get("reasoning"), dict) and asked["reasoning"].get("summary")
    item: dict[str, Any] = {
        "id": f"rs_{draft.id}",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": THOUGHT}] if wants_summary else [],
    }
    if "reasoning.encrypted_content" in (asked.get("include") or ()):
        item["encrypted_content"] = f"stand-in-{draft.id}"
    return item


def _message(draft: Draft) -> dict[str, Any]:
    said = draft.said
    content: list[dict[str, Any]] = []
    if said.text is not None:
        logprobs = logprobs_by_piece(said.text, said, draft) if wanted(draft.received) else []
        told = [entry for piece in logprobs for entry in piece]
        content.append({"type": "output_text", "text": said.text, "annotations": [], "logprobs": told})
    if said.refusal is not None:
        content.append({"type": "refusal", "refusal": said.refusal})
    complete = said.finish_reason not in ("length", "content_filter", None)
    return {
        "id": f"msg_{draft.id}",
        "type": "message",
        "role": "assistant",
        "status": "completed" if complete else "incomplete",
        "content": content,
    }
