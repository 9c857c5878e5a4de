"""Moderation: whether a text or an image breaks the provider's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.dialects.reading import is_number, malformed, parsed, raw_usage, short
from aiops.gateway.dialects.sending import Facts, Sending
from aiops.gateway.usage import Usage

PATH = "/moderations"
WHAT = "moderation"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModerationRequest:
    """Texts or parts (`{"type": "text"}`, `{"type": "image_url"}`) to be looked at."""

    operation: ClassVar[str] = "moderation"

    connection: str
    model: str
    inputs: Sequence[Any]

    def most(self) -> Usage:
        return Usage()

    def counted(self) -> Usage | None:
        return None

    def shown(self) -> Sequence[Mapping[str, object]]:
        return [{"role": "input", "content": part if isinstance(part, str) else [part]} for part in self.inputs]

    def settings(self) -> Mapping[str, Any]:
        return {}


def sending_of(request: ModerationRequest, connection: Connection) -> Sending:
    """What is sent."""
    return Sending(path=PATH, body={"model": request.model, "input": list(request.inputs)})


def completion_of(content: bytes, facts: Facts) -> Completion:
    """What was found, as `result`: a dictionary an input, as the provider says it (`flagged`, `categories`, …).

    Raises:
        Malformed: the answer is something else.
    """
    payload = parsed(content, facts, WHAT)
    results = payload.get("results")
    if not isinstance(results, list) or not results or not all(isinstance(one, dict) for one in results):
        raise malformed(content, facts, WHAT)
    if not all(map(_is_result, results)):
        raise malformed(content, facts, WHAT)
    return Completion(
        text="",
        model=short(payload.get("model"), 128),
        finish_reason="stop",
        usage=Usage(),
        raw_usage=raw_usage(payload),
        request_id=facts.request_id or short(payload.get("id"), 128),
        first_byte_ms=facts.first_byte_ms,
        total_ms=facts.total_ms,
        body=payload,
        result=results,
    )


def _is_result(one: Mapping[str, Any]) -> bool:
    categories, scores = one.get("categories") or {}, one.get("category_scores") or {}
    return (
        isinstance(one.get("flagged"), bool)
        and isinstance(categories, dict)
        and isinstance(scores, dict)
        # A category that the model does not know may be null.
        and all(score is None or (is_number(score) and 0 <= score <= 1) for score in scores.values())
    )
