"""Moderations: `POST …/moderations`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.operation import Operation, Problem
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import UNSET, Billed, Said

TEXT_ONLY = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "sexual/minors",
)  # fmt: skip
OF_IMAGES_TOO = (
    "self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "violence", "violence/graphic",
)  # fmt: skip
CATEGORIES = (*TEXT_ONLY, *OF_IMAGES_TOO)

THRESHOLD = 0.5
HARMLESS = 0.0001


class Moderations(Operation):
    """One result for each text, or for all parts together. Nothing is flagged, unless a reply says so.

    `Answer(data={"violence": 0.9})` scripts the scores of every result, a list of such mappings those of each.
    """

    name = "moderations"
    default_model = "omni-moderation-latest"

    def messages(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        asked = body.get("input")
        if isinstance(asked, str):
            return [{"role": "user", "content": asked}]
        if _is_parts(asked):
            return [{"role": "user", "content": asked}]
        return [{"role": "user", "content": text} for text in asked] if isinstance(asked, list) else []

    def problem(self, received: Received) -> Problem | None:
        asked = received.body.get("input")
        if not asked:
            return Problem(message="Missing required parameter: 'input'.")
        if isinstance(asked, str) or (isinstance(asked, list) and all(isinstance(text, str) for text in asked)):
            return None
        if not _is_parts(asked) or not all(part.get("type") in ("text", "image_url") for part in asked):
            return Problem(message="Invalid 'input': expected texts, or parts of type 'text' and 'image_url'.")
        return None

    def seeded(self, exchange: Exchange) -> Said:
        return Said()

    def error_for(self, said: Said, *, streamed: bool) -> Problem | None:
        # It is what tells that something is to be filtered.
        return super().error_for(said, streamed=streamed) if said.failure is not None else None

    def count(self, said: Said, exchange: Exchange) -> tuple[Billed, Mapping[str, Any] | None]:
        return Billed(), None

    def billed_by(self, usage: Mapping[str, Any] | None) -> Billed | None:
        return None

    def body(self, draft: Draft) -> bytes:
        asked = draft.received.body["input"]
        kinds = [part["type"].removesuffix("_url") for part in asked] if _is_parts(asked) else ["text"]
        count = len(asked) if isinstance(asked, list) and not _is_parts(asked) else 1
        results = [] if draft.said.nothing else [_result(_scores(draft.said, index), kinds) for index in range(count)]
        return json.dumps({"id": f"modr-{draft.id}", "model": draft.model, "results": results}).encode()


def _scores(said: Said, index: int) -> Mapping[str, float]:
    if said.data is not UNSET:
        return dict(said.data[index] if isinstance(said.data, list) else said.data)
    declined = said.refusal is not None or said.finish_reason == "content_filter"
    return {"violence": 0.9} if declined else {}


def _result(scores: Mapping[str, float], kinds: list[str]) -> dict[str, Any]:
    told = {name: scores.get(name, HARMLESS) for name in CATEGORIES}
    return {
        "flagged": any(score >= THRESHOLD for score in told.values()),
        "categories": {name: score >= THRESHOLD for name, score in told.items()},
        "category_scores": told,
        "category_applied_input_types": {
            name: sorted({kind for kind in kinds if kind == "text" or name in OF_IMAGES_TOO}) for name in CATEGORIES
        },
    }


def _is_parts(asked: Any) -> bool:
    return isinstance(asked, list) and bool(asked) and all(isinstance(part, dict) for part in asked)
