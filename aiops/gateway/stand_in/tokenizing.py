"""Counting before asking: `POST /apply-template` and `POST /tokenize`, as llama.cpp's server has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiops.gateway.stand_in.counting import tokens_of_text
from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.operation import Operation
from aiops.gateway.stand_in.received import text_of
from aiops.gateway.stand_in.said import Billed, Said

ANSWER = "[assistant ]"
"""Three tokens, as a prompt's end counts."""


class _Free(Operation):
    """Asks no model."""

    counted = False
    default_model = "any"

    def count(self, said: Said, exchange: Exchange) -> tuple[Billed, Mapping[str, Any] | None]:
        return Billed(), None

    def body(self, draft: Draft) -> bytes:
        return json.dumps(draft.said.data).encode()


class ApplyTemplate(_Free):
    """Messages as one text that counts as many tokens as they do."""

    name = "apply-template"

    def messages(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        return list(body.get("messages") or [])

    def seeded(self, exchange: Exchange) -> Said:
        parts = [_formed(message) for message in exchange.received.messages]
        return Said(data={"prompt": "".join([*parts, ANSWER])})


class Tokenize(_Free):
    """A number for each token of a text."""

    name = "tokenize"

    def seeded(self, exchange: Exchange) -> Said:
        text = str(exchange.received.body.get("content") or "")
        return Said(data={"tokens": list(range(tokens_of_text(text)))})


def _formed(message: Mapping[str, Any]) -> str:
    """Four tokens for its beginning, and those of its text."""
    text = text_of(message)
    missing = -len(text.encode("utf-8", "surrogatepass")) % 4
    return f"[{str(message.get('role'))[:14]:14}]{text}{' ' * missing}"
