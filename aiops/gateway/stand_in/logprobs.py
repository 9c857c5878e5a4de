"""Log probabilities as either API tells them."""

from __future__ import annotations

import json
import math
from typing import Any

from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import Said
from aiops.gateway.stand_in.tokens import Token, enumerations, seeded_choices, tokens_by_piece, told

MOST = 20
"""Alternatives that are told for one token."""

NEVER = -9999.0
"""What OpenAI says for a token that is out of the question."""


def wanted(received: Received) -> bool:
    """Whether log probabilities were asked for."""
    if received.operation == "responses":
        return "message.output_text.logprobs" in (received.body.get("include") or ())
    return received.body.get("logprobs") is True


def logprobs_by_piece(text: str | None, said: Said, draft: Draft) -> list[list[dict[str, Any]]]:
    """For each piece of the text what is told about its tokens."""
    if not text:
        return []
    choices = seeded_choices(draft.received.schema, text, seed=draft.seed)
    if said.probabilities is not None:
        choices[None] = {told(choice): odds for choice, odds in said.probabilities.items()}
        # What was scripted goes before what was drawn for the same choices.
        choices = {
            name: odds for name, odds in choices.items() if name is None or not odds.keys() & choices[None].keys()
        }
    count = draft.received.body.get("top_logprobs") or 0
    pieces = tokens_by_piece(text, seed=draft.seed, choices=choices)
    return [[_logprob(token, count) for token in tokens] for tokens in pieces]


def likeliest(said: Said, probabilities: dict[Any, float], schema: Any) -> Said:
    """The same answer with the most probable choice in it: as the whole text, or in the property that offers it."""
    choice = max(probabilities, key=lambda value: probabilities[value])
    names = [name for name, values in enumerations(schema).items() if choice in values]
    if not names:
        return Said(text=told(choice), probabilities=probabilities)
    data = json.loads(said.text or "{}") | dict.fromkeys(names, choice)
    return Said(text=json.dumps(data, ensure_ascii=False), data=data, probabilities=probabilities)


def _logprob(token: Token, count: int) -> dict[str, Any]:
    ranked = sorted(token.odds.items(), key=lambda pair: -pair[1])[: min(count, MOST)]
    own = _entry(token.text, token.odds.get(token.text, 0.0))
    return {**own, "top_logprobs": [_entry(word, odds) for word, odds in ranked]}


def _entry(word: str, odds: float) -> dict[str, Any]:
    logprob = math.log(odds) if odds > 0 else NEVER
    return {"token": word, "logprob": logprob, "bytes": list(word.encode("utf-8", "surrogatepass"))}
