"""How many tokens an input can be counted as, at most: what a hold is made of where nobody can count exactly."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

OVERHEAD = 16
"""Tokens beyond its text that a message, or the request around them, may be counted as."""

SCHEMA_IN_WORDS = 128
"""Tokens beyond its own that a schema may be counted as where it is told in words."""

IMAGE = 50_000
"""The dearest image there is: eight tiles at gpt-4o-mini's rate come to 48,169; later models count a tenth of that."""

SMALL_IMAGE = 3_000
"""The dearest image of detail `low`: 2,833 at gpt-4o-mini's rate."""

CONTEXT = 1_050_000
"""The largest context there is: what lies in a file of unknown size is no more than that."""


def most_input_tokens(messages: Sequence[Mapping[str, object]], *, beside: Iterable[Any] = ()) -> int:
    """An upper bound: no tokenizer makes more of a text than it has UTF-8 bytes.

    Args:
        messages: as Chat Completions has them.
        beside: what the model is shown with them: schemas, tools.
    """
    total = OVERHEAD * (len(messages) + 1) + sum(len(json.dumps(part).encode()) for part in beside)
    return total + sum(_of_message(message) for message in messages)


def text_size(text: str) -> int:
    """Bytes of a text as UTF-8; half a character counts as a whole one."""
    return len(text.encode("utf-8", "surrogatepass"))


def _of_message(message: Mapping[str, object]) -> int:
    content = message.get("content")
    parts = content if isinstance(content, list | tuple) else [content]
    others = [value for name, value in message.items() if name not in ("role", "content") and value]
    return sum(map(_of_part, parts)) + sum(len(json.dumps(value, default=str).encode()) for value in others)


def _of_part(part: object) -> int:
    if part is None:
        return 0
    if isinstance(part, str):
        return text_size(part)
    if not isinstance(part, Mapping):
        return text_size(str(part))
    match part.get("type"):
        case "text":
            return OVERHEAD + text_size(str(part.get("text") or ""))
        case "image_url":
            image = part.get("image_url")
            low = isinstance(image, Mapping) and image.get("detail") == "low"
            return SMALL_IMAGE if low else IMAGE
        case "file" | "input_audio":
            return CONTEXT
        case _:
            return OVERHEAD + len(json.dumps(part, default=str).encode())
