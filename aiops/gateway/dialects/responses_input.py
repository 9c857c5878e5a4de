"""Messages and parameters in the words of Chat Completions, in those of Responses.

Our requests speak Chat Completions' words, which every compatible server understands; OpenAI's own newer interface
means the same with others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

UNKNOWN = (
    "audio", "frequency_penalty", "functions", "logit_bias", "modalities", "n", "presence_penalty", "seed", "stop",
)  # fmt: skip
"""Parameters of Chat Completions that have no counterpart."""


def not_taken(parameters: Mapping[str, Any]) -> list[str]:
    """Names among these that Responses has no place for; empty where all is well."""
    return [name for name in UNKNOWN if name in parameters and not (name == "n" and parameters[name] == 1)]


def parameters_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The same parameters in the other words. What has none goes as it is: the provider says what it thinks."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        match name:
            case "reasoning_effort":
                found["reasoning"] = {**found.get("reasoning", {}), "effort": value}
            case "verbosity":
                found["text"] = {**found.get("text", {}), "verbosity": value}
            case "response_format":
                found["text"] = {**found.get("text", {}), "format": _format(value)}
            case "tools":
                found["tools"] = [_tool(tool) for tool in value]
            case "tool_choice":
                found["tool_choice"] = _tool(value) if isinstance(value, Mapping) else value
            case "logprobs":
                if value:
                    found["include"] = [*found.get("include", ()), "message.output_text.logprobs"]
            case "user":
                found["safety_identifier"] = value
            case "n":
                pass
            case _:
                found[name] = value
    return found


def input_of(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages as the items of an input."""
    return [item for message in messages for item in _items(message)]


def _items(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    role, content = message.get("role"), message.get("content")
    if role == "tool":
        yield {
            "type": "function_call_output",
            "call_id": message.get("tool_call_id"),
            "output": content if isinstance(content, str) else "".join(_texts(content)),
        }
        return
    if content:
        parts = content if isinstance(content, str) else [_part(part, str(role)) for part in content]
        yield {"role": role, "content": parts}
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        yield {
            "type": "function_call",
            "call_id": call.get("id"),
            "name": function.get("name"),
            "arguments": function.get("arguments"),
        }


def _part(part: Mapping[str, Any], role: str) -> dict[str, Any]:
    match part.get("type"):
        case "text":
            return {"type": "output_text" if role == "assistant" else "input_text", "text": part.get("text")}
        case "image_url":
            image = part.get("image_url") or {}
            source = {"file_id": image["file_id"]} if image.get("file_id") else {"image_url": image.get("url")}
            return {"type": "input_image", "detail": image.get("detail", "auto"), **source}
        case "file":
            return {"type": "input_file", **(part.get("file") or {})}
        case _:
            return dict(part)


def _texts(content: Any) -> Iterator[str]:
    for part in content or ():
        yield str(part.get("text") or "")


def _format(wanted: Mapping[str, Any]) -> dict[str, Any]:
    if wanted.get("type") == "json_schema":
        return {"type": "json_schema", **wanted.get("json_schema", {})}
    return dict(wanted)


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = tool.get("function")
    return {"type": tool.get("type"), **function} if isinstance(function, Mapping) else dict(tool)
