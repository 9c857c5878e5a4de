"""Classification: a text, choices, and how sure the model is.

By the provider's decisions where the connection has them, which gives real probabilities; else by an answer that can
only be one of the choices, with the probabilities of its one token where the server tells those; else without any.
"""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils import timezone

from aiops.client.chat import chat_completion_of
from aiops.client.errors import OpenAISchemaValidationError, raise_for
from aiops.client.how import How, how
from aiops.client.json_answer import check_json
from aiops.client.question import Question, prepare_question
from aiops.execution.judge import Outcome
from aiops.execution.prepare import Prepared, prepare_request
from aiops.gateway.dialects import DecisionRequest
from aiops.gateway.model_rules import rules_of

MOST_TOLD = 20
"""Probabilities a token that a server tells at most: with more choices than that none are asked for."""

MOST_CHOICES = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What a text was taken for."""

    choice: str

    confidence: float | None
    """Between 0 and 1: the probability of `choice`. None where nobody tells."""

    probabilities: Mapping[str, float] = field(default_factory=dict)
    """Choice → between 0 and 1; empty where nobody tells."""

    by: Literal["decisions", "logprobs", "answer"]
    """Where it comes from: the provider's decisions, the probabilities of an answer's token, or a bare answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One classification that is to be asked for."""

    prepared: Prepared
    keys: Mapping[str, str]
    """What stands in the answer → the choice."""

    by: Literal["decisions", "logprobs", "answer"]


def prepare_classification(
    default: str, text: Any, choices: Any, instructions: str, options: Mapping[str, Any]
) -> Asked:
    """The call behind `classify`.

    Args:
        choices: names, or name → what is meant by it.

    Raises:
        ValueError: there is no text, or nothing to choose from.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError("There is nothing to classify: give a text.")
    described = _described(choices)
    said: Any = dict(options)
    found = how(default, **said)
    if found.connection.supports_decisions:
        return _by_decisions(text, described, instructions, found, options)
    return _by_answer(text, described, instructions, found)


def classification_in(outcome: Outcome, asked: Asked) -> Classification:
    """What `classify` gives.

    Raises:
        OpenAIClientError: there is no answer, or none of the choices.
    """
    raise_for(outcome, schema_name="classification")
    if asked.by == "decisions":
        return _decided(outcome, asked)
    choice = asked.keys[outcome.data["choice"]]
    if asked.by == "answer":
        return Classification(choice=choice, confidence=None, by="answer")
    probabilities = _probabilities(outcome, asked.keys)
    if choice not in probabilities:
        # The server was asked, and does not tell.
        return Classification(choice=choice, confidence=None, by="answer")
    return Classification(choice=choice, confidence=probabilities[choice], probabilities=probabilities, by="logprobs")


def _described(choices: Any) -> dict[str, str]:
    if isinstance(choices, Mapping):
        described = {name: str(meaning or "") for name, meaning in choices.items()}
    elif isinstance(choices, Sequence) and not isinstance(choices, str):
        described = dict.fromkeys(choices, "")
        if len(described) != len(choices):
            raise ValueError("A choice is given twice: leave one out.")
    else:
        raise ValueError("choices are to be names, or names with what is meant by them.")
    if not all(isinstance(name, str) and name.strip() for name in described):
        raise ValueError("A choice is empty or no text: give each a name.")
    if not 2 <= len(described) <= MOST_CHOICES:
        raise ValueError(f"There are {len(described)} choices: give 2 to {MOST_CHOICES}.")
    return described


def _by_decisions(
    text: str, described: Mapping[str, str], instructions: str, found: How, options: Mapping[str, Any]
) -> Asked:
    question = {
        "type": "choice",
        "instructions": instructions or "Which of the choices fits the text best?",
        "choices": [
            {"value": name, "description": meaning} if meaning else {"value": name}
            for name, meaning in described.items()
        ],
    }
    request = DecisionRequest(
        connection=found.connection.alias,
        model=options.get("model") or found.connection.model,
        text=text,
        questions=[question],
    )
    prepared = prepare_request(request, found.about(), retry=found.policy, now=timezone.now())
    return Asked(prepared=prepared, keys={name: name for name in described}, by="decisions")


def _by_answer(text: str, described: Mapping[str, str], instructions: str, found: How) -> Asked:
    told = len(described) <= MOST_TOLD
    # One token a choice: else the probability of a choice would be spread over its spellings.
    keys = dict(zip(string.ascii_uppercase if told else described, described, strict=False))
    lines = [f"{key}: {name}{f' ({described[name]})' if described[name] else ''}" for key, name in keys.items()]
    parameters: dict[str, Any] = {}
    if told and found.connection.supports_logprobs:
        wanted = {"logprobs": True, "top_logprobs": min(MOST_TOLD, found.connection.most_logprobs)}
        rules = rules_of(found.connection, found.model)
        # One letter needs no thought, and a model that thinks tells no probabilities.
        parameters = rules.adapted({**wanted, **({"reasoning_effort": "none"} if rules.may_not_reason else {})})
    schema = {
        "type": "object",
        "properties": {"choice": {"type": "string", "enum": list(keys)}},
        "required": ["choice"],
        "additionalProperties": False,
    }
    system = "\n".join(
        [
            instructions or "Classify the text.",
            'Answer with JSON, {"choice": …}, and the letter of the one choice that fits best:'
            if told
            else 'Answer with JSON, {"choice": …}, and the name of the one choice that fits best:',
            *lines,
        ]
    )
    question = Question(
        messages=[{"role": "system", "content": system}, {"role": "user", "content": text}],
        parameters=parameters,
        schema=schema,
        schema_name="classification",
        check=check_json(schema),
    )
    prepared = prepare_question(question, found)
    return Asked(prepared=prepared, keys=keys, by="logprobs" if parameters else "answer")


def _decided(outcome: Outcome, asked: Asked) -> Classification:
    completion = outcome.end.completion
    answer = completion.result[0] if completion else {}
    choice, confidence = str(answer.get("choice")), answer.get("confidence")
    if choice not in asked.keys.values():
        raise OpenAISchemaValidationError(
            f"The model chose {choice!r}, which is none of the choices.", "classification", call_id=outcome.call_id
        )
    told = {one.get("value"): one.get("probability") for one in answer.get("probabilities") or ()}
    return Classification(
        choice=choice,
        confidence=confidence if isinstance(confidence, int | float) else told.get(choice),
        probabilities={name: value for name, value in told.items() if isinstance(value, int | float)},
        by="decisions",
    )


def _probabilities(outcome: Outcome, keys: Mapping[str, str]) -> dict[str, float]:
    """Choice → probability, from the token of the answer that holds the letter; what is no choice is left out."""
    if outcome.end.completion is None:
        return {}
    choice = chat_completion_of(outcome.end.completion, outcome.call_id).choices[0]
    tokens = (choice.logprobs.content if choice.logprobs else None) or []
    letter, position, text = outcome.data["choice"], 0, "".join(token.token for token in tokens)
    where = text.rfind(letter)
    for token in tokens:
        position += len(token.token)
        if where != -1 and position > where:
            found: dict[str, float] = {}
            told = [(other.token, other.logprob) for other in token.top_logprobs] or [(token.token, token.logprob)]
            for said, logprob in told:
                name = keys.get(said.strip(" \"'{}:\n"))
                if name is not None:
                    found[name] = found.get(name, 0.0) + math.exp(min(0.0, logprob))
            total = sum(found.values())
            return {name: value / total for name, value in found.items()} if total else {}
    return {}
