"""Decisions: `POST …/decisions`."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from aiops.gateway.stand_in.counting import responses_usage, tokens_of_messages
from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.operation import Operation, Problem
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.responses_input import messages_of
from aiops.gateway.stand_in.said import UNSET, Billed, Said
from aiops.gateway.stand_in.seeded import seeded_rng

MOST_QUESTIONS = 400
MOST_CHOICES = 255


class Decisions(Operation):
    """Probabilities for each question, drawn from the seed.

    `Answer(data=…)` scripts the answers, by the questions' names or in their order. To a predicate it is a probability;
    to a choice or a score it is the value or label that is chosen, or a mapping of probabilities; None declines. What
    is not named is drawn. `Refusal()` declines every question.
    """

    name = "decisions"

    def messages(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        asked = messages_of({"input": body.get("input")})
        questions = body.get("questions")
        for question in questions if isinstance(questions, list) else ():
            if isinstance(question, dict):
                asked += messages_of({"input": [{"role": "developer", "content": question.get("instructions")}]})
        return asked

    def problem(self, received: Received) -> Problem | None:
        questions = received.body.get("questions")
        if not received.body.get("input"):
            return Problem(message="Missing required parameter: 'input'.")
        if not isinstance(questions, list) or not 1 <= len(questions) <= MOST_QUESTIONS:
            return Problem(message=f"Invalid 'questions': expected between 1 and {MOST_QUESTIONS} questions.")
        for index, question in enumerate(questions):
            wrong = _wrong(question)
            if wrong:
                return Problem(message=f"Invalid 'questions[{index}]{wrong}.")
        return None

    def seeded(self, exchange: Exchange) -> Said:
        return Said()

    def error_for(self, said: Said, *, streamed: bool) -> Problem | None:
        # A question that is declined is an answer like any other.
        return super().error_for(said, streamed=streamed) if said.failure is not None else None

    def count(self, said: Said, exchange: Exchange) -> tuple[Billed, Mapping[str, Any] | None]:
        tokens_in = tokens_of_messages(exchange.received.messages)
        tokens_out = len(exchange.received.body["questions"])
        usage = responses_usage(tokens_in, tokens_out, cached=exchange.manner.cached_tokens)
        return Billed(tokens_in=tokens_in, tokens_out=tokens_out), usage

    def body(self, draft: Draft) -> bytes:
        rng = seeded_rng(draft.seed, draft.received)
        questions = [] if draft.said.nothing else draft.received.body["questions"]
        answers = [_answer(draft.said, index, question, rng) for index, question in enumerate(questions)]
        whole: dict[str, Any] = {"answers": answers, "model": draft.model}
        if draft.usage is not None:
            whole["usage"] = draft.usage
        return json.dumps(whole).encode()


def _wrong(question: Any) -> str:
    """What is wrong with a question, from the bracket behind its number on; empty where it is fine."""
    kind = question.get("type")
    if not question.get("instructions"):
        return ".instructions': required"
    if kind == "choice":
        values = [(type(choice["value"]), choice["value"]) for choice in question.get("choices") or ()]
        if not 2 <= len(values) <= MOST_CHOICES or len(set(values)) < len(values):
            return f".choices': expected between 2 and {MOST_CHOICES} different choices"
    elif kind == "score":
        if len(question.get("levels") or ()) < 2:
            return ".levels': expected at least 2 levels"
    elif kind != "predicate":
        return ".type': expected 'predicate', 'choice' or 'score'"
    return ""


def _answer(said: Said, index: int, question: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    kind, name = question["type"], question.get("name")
    options = [choice["value"] for choice in question.get("choices", ())]
    options = options or [level["label"] for level in question.get("levels", ())]
    drawn = _drawn(len(options), rng) if options else [round(rng.random(), 4)]
    scripted = _scripted(said, index, name)
    if scripted is None:
        return {"type": "refusal", "name": name}
    if kind == "predicate":
        return {"type": kind, "name": name, "probability": drawn[0] if scripted is UNSET else float(scripted)}
    odds = drawn if scripted is UNSET else _odds(scripted, options)
    confidence = max(odds)
    if kind == "choice":
        told = [{"value": value, "probability": own} for value, own in zip(options, odds, strict=True)]
        chosen = options[odds.index(confidence)]
        return {"type": kind, "name": name, "choice": chosen, "confidence": confidence, "probabilities": told}
    levels = [
        {"label": label, "value": value, "probability": own}
        for value, (label, own) in enumerate(zip(options, odds, strict=True))
    ]
    score = round(sum(value * own for value, own in enumerate(odds)), 4)
    return {"type": kind, "name": name, "score": score, "confidence": confidence, "probabilities": levels}


def _scripted(said: Said, index: int, name: str | None) -> Any:
    """What a reply says to this question; None declines, UNSET says nothing."""
    if said.refusal is not None or said.finish_reason == "content_filter":
        return None
    if isinstance(said.data, Mapping):
        return said.data.get(name, UNSET)
    if isinstance(said.data, list | tuple) and index < len(said.data):
        return said.data[index]
    return UNSET


def _odds(scripted: Any, options: list[Any]) -> list[float]:
    """By option, in their order."""
    if not isinstance(scripted, Mapping):
        if scripted not in options:
            raise ValueError(f"A reply chooses {scripted!r}, which the question does not offer: {options!r}.")
        return [float(option == scripted) for option in options]
    return [float(scripted.get(option, 0.0)) for option in options]


def _drawn(count: int, rng: random.Random) -> list[float]:
    """Probabilities that add up to one, one of them well above the others."""
    weights = [rng.random() ** 3 + 0.01 for _ in range(count)]
    return [round(weight / sum(weights), 4) for weight in weights]
