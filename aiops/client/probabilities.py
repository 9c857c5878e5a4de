"""How probable each choice was: from the log probabilities of an answer's one token, or from a provider's decision."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from aiops.execution.judge import Outcome

AROUND = " \"'{}:,\n\t"
"""What a token may hold beside the letter."""

LEAST = 0.5
"""Share that the choices must have among all that the model could have said. Some servers tell the probabilities from
before their grammar left only the choices over: of next to nothing, no share says how sure a model is."""


def probabilities_in(outcome: Outcome, letter: str, keys: Mapping[str, str]) -> dict[str, float]:
    """Choice → probability, together 1; empty where the server does not tell. What is no choice is left out.

    Args:
        letter: what the answer says.
        keys: letter → choice.
    """
    tokens = list(_tokens(outcome.end.completion.body)) if outcome.end.completion else []
    text = "".join(token["token"] for token in tokens)
    places = [match.end() for match in re.finditer(rf'"choice"\s*:\s*"(?={re.escape(letter)}")', text)]
    position = 0
    for token in tokens:
        position += len(token["token"])
        if places and position > places[-1]:
            return _shares(_told(token), keys)
    return {}


def decided_probabilities(answer: Mapping[str, Any], choices: Mapping[str, str]) -> dict[str, float]:
    """Choice → probability, as a provider tells them with its decision."""
    told = answer.get("probabilities")
    found = {
        one["value"]: float(one["probability"])
        for one in (told if isinstance(told, list) else ())
        if isinstance(one, dict) and is_probability(one.get("probability")) and one.get("value") in choices
    }
    return dict.fromkeys(choices, 0.0) | found if found else {}


def is_probability(value: object) -> TypeGuard[float]:
    """Whether this is a number between 0 and 1."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _shares(told: Mapping[str, float], keys: Mapping[str, str]) -> dict[str, float]:
    found = dict.fromkeys(keys.values(), 0.0)
    for said, probability in told.items():
        name = keys.get(said.strip(AROUND))
        if name is not None:
            found[name] += probability
    total = sum(found.values())
    return {name: value / total for name, value in found.items()} if total >= LEAST else {}


def _tokens(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The tokens of an answer of either interface. Servers are not held to the shape of what is only said beside."""
    for place in _places(body):
        for token in place if isinstance(place, list) else ():
            if isinstance(token, dict) and isinstance(token.get("token"), str):
                yield token


def _places(body: Mapping[str, Any]) -> Iterator[Any]:
    choices = body.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        logprobs = choices[0].get("logprobs")
        yield logprobs.get("content") if isinstance(logprobs, dict) else None
    for item in body.get("output") or ():
        if isinstance(item, dict) and isinstance(item.get("content"), list):
            for part in item["content"]:
                yield part.get("logprobs") if isinstance(part, dict) else None


def _told(token: Mapping[str, Any]) -> dict[str, float]:
    """Text → probability, of the token that was chosen and those that could have been."""
    found: dict[str, float] = {}
    others = token.get("top_logprobs")
    for one in [token, *(others if isinstance(others, list) else ())]:
        said, logprob = (one.get("token"), one.get("logprob")) if isinstance(one, dict) else (None, None)
        if isinstance(said, str) and isinstance(logprob, int | float) and not math.isnan(logprob):
            found[said] = math.exp(min(0.0, logprob))
    return found
