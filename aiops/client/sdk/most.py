"""The most that a body of the SDK can use: what is held for it. And what in it makes that nobody's guess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from aiops.execution.parameters import DEARER
from aiops.gateway.dialects import chat, responses
from aiops.gateway.sizes import CONTEXT, IMAGE, OVERHEAD, text_size

LIMITS: Mapping[str, tuple[str, ...]] = {
    chat.PATH: ("max_completion_tokens", "max_tokens"),
    responses.PATH: ("max_output_tokens",),
}
"""Path → the names of the output limit there."""

REMEMBERED = ("previous_response_id", "conversation", "prompt")
"""Parameters by which the provider reads again what it has kept: nobody here knows how much that is."""

USUAL: Mapping[str, tuple[Any, ...]] = {"service_tier": ("auto", "default"), "modalities": (["text"],)}
"""Values with which a parameter that would be dearer is not."""

OUR_TOOLS = frozenset({"function", "custom"})
"""Kinds of tools that the shop runs itself. Those that the provider runs are billed by the use, or read no end."""

DATA = frozenset({"image_url", "file_data", "file_id", "file_url", "input_audio"})
"""What is in a part whose size is not that of its text."""


def limit_of(body: Mapping[str, Any], path: str) -> int | None:
    """Most tokens of an answer; None where none is given that makes sense."""
    given = [body[name] for name in LIMITS.get(path, ()) if body.get(name) is not None]
    return max(given) if given and all(map(_is_count, given)) else None


def choices_of(body: Mapping[str, Any]) -> int:
    """How many answers are asked for."""
    choices = body.get("n")
    return choices if _is_count(choices) else 1


def unpriced(body: Mapping[str, Any], path: str) -> str:
    """What in a body leaves nobody to say what it costs; empty where there is nothing of the kind."""
    for name in sorted(DEARER & body.keys()):
        if body[name] is not None and body[name] not in USUAL.get(name, ()):
            return name
    for tool in body.get("tools") or ():
        kind = tool.get("type") if isinstance(tool, dict) else tool
        if kind not in OUR_TOOLS:
            return f"tools: {kind}"[:100]
    if body.get("prompt") and not body.get("model"):
        return "prompt"
    if path in LIMITS and limit_of(body, path) is None:
        return LIMITS[path][0]
    if body.get("n") is not None and not _is_count(body["n"]):
        return "n"
    return ""


def tokens_in(body: Mapping[str, Any]) -> int:
    """Tokens that a body may be counted as, at most: no tokenizer makes more of a text than it has UTF-8 bytes."""
    remembered = CONTEXT if any(body.get(name) for name in REMEMBERED) else 0
    return OVERHEAD + remembered + sum(_sizes(body))


def _sizes(value: Any) -> Iterator[int]:
    match value:
        case {"type": "image_url" | "input_image"}:
            yield IMAGE
            yield from _sizes({name: inner for name, inner in value.items() if name not in DATA and name != "type"})
        case {"type": "file" | "input_file" | "input_audio" | "item_reference"}:
            yield CONTEXT
            yield from _sizes({name: inner for name, inner in value.items() if name not in DATA and name != "type"})
        case dict():
            for name, inner in value.items():
                yield text_size(name) + 4
                yield from _sizes(inner)
        case list():
            for inner in value:
                yield OVERHEAD
                yield from _sizes(inner)
        case str():
            yield text_size(value)
        case _:
            yield 8


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
