"""The input of Responses as messages of Chat Completions, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PARTS = ("input_text", "input_image", "input_file", "output_text", "refusal")
"""What a message may be made of. Those of Chat Completions are called otherwise, and are refused."""

OTHER_PARTS = ("input_audio", "computer_screenshot", "summary_text", "reasoning_text")


def messages_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Instructions and input as messages; what is no message, such as a reasoning item, is left out."""
    messages: list[dict[str, Any]] = []
    if isinstance(body.get("instructions"), str):
        messages.append({"role": "system", "content": body["instructions"]})
    asked = body.get("input")
    if isinstance(asked, str):
        messages.append({"role": "user", "content": asked})
    elif isinstance(asked, list):
        messages += [message for item in asked if (message := _message_of(item)) is not None]
    return messages


def wrong_part(body: Mapping[str, Any]) -> str:
    """The `type` of the first part of the input that Responses does not know; empty where all are known."""
    asked = body.get("input")
    for item in asked if isinstance(asked, list) else ():
        content = item.get("content") if isinstance(item, dict) else None
        for part in content if isinstance(content, list) else ():
            kind = part.get("type") if isinstance(part, dict) else None
            if kind not in PARTS and kind not in OTHER_PARTS:
                return str(kind)
    return ""


def _message_of(item: Any) -> dict[str, Any] | None:
    if not isinstance(item, dict):
        return None
    if item.get("type", "message") == "message":
        return {"role": item.get("role"), "content": _content_of(item.get("content"))}
    if item["type"] == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        call = {"id": item.get("call_id"), "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if item["type"] == "function_call_output":
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": _content_of(item.get("output"))}
    return None


def _content_of(content: Any) -> Any:
    return [_part_of(part) for part in content if isinstance(part, dict)] if isinstance(content, list) else content


def _part_of(part: Mapping[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind in ("input_text", "output_text"):
        return {"type": "text", "text": part.get("text")}
    if kind == "input_image":
        image = {key: part[key] for key in ("file_id", "detail") if part.get(key) is not None}
        if part.get("image_url") is not None:
            image["url"] = part["image_url"]
        return {"type": "image_url", "image_url": image}
    if kind == "input_file":
        names = ("file_id", "file_data", "file_url", "filename")
        return {"type": "file", "file": {key: part[key] for key in names if part.get(key) is not None}}
    return dict(part)
