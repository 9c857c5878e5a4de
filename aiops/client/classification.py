"""Classification: a text, choices, and how sure the model is.

By the provider's decisions where the connection has them, which gives real probabilities; else by an answer that can
only be one of the choices, with the probabilities of its one token where the server tells those; else without any.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils import timezone

from aiops.client.defaults import default_model, mind_the_end
from aiops.client.errors import OpenAISchemaValidationError, raise_for
from aiops.client.how import How, how
from aiops.client.json_answer import check_json
from aiops.client.probabilities import decided_probabilities, is_probability, probabilities_in
from aiops.client.question import Question, prepare_question
from aiops.execution.judge import Outcome
from aiops.execution.prepare import Prepared, prepare_request
from aiops.gateway.dialects import DecisionRequest
from aiops.gateway.model_rules import rules_of
from aiops.gateway.plain_text import storable

MOST_TOLD = 20
"""Probabilities a token that a server tells at most: with more choices than that none are asked for."""

MOST_CHOICES = 255

NAME = "classification"
"""Of the schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What a text was taken for."""

    choice: str

    confidence: float | None
    """Between 0 and 1: the probability of `choice`. None where nobody tells."""

    probabilities: Mapping[str, float] = field(default_factory=dict)
    """Choice → between 0 and 1, together 1 (as nearly as a provider rounds); empty where nobody tells."""

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
    default: str, text: Any, choices: Any, instructions: Any, options: Mapping[str, Any]
) -> Asked:
    """The call behind `classify`.

    Args:
        choices: names, or name → what is meant by it, or pairs of these.

    Raises:
        ValueError: there is no text, or nothing to choose from.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError("There is nothing to classify: give a text.")
    if not isinstance(instructions, str):
        raise ValueError(f"instructions are of type {type(instructions).__name__}: give a text.")
    meanings = described(choices)
    said: Any = dict(options)
    found = how(default, **said)
    if found.connection.supports_decisions:
        return _by_decisions(storable(text), meanings, storable(instructions), found, options.get("model"))
    return _by_answer(text, meanings, instructions, found)


def classification_in(outcome: Outcome, asked: Asked) -> Classification:
    """What `classify` gives.

    Raises:
        OpenAIClientError: there is no answer, or none of the choices.
    """
    raise_for(outcome, schema_name=NAME)
    if asked.by == "decisions":
        return _decided(outcome, asked)
    letter = outcome.data.get("choice") if isinstance(outcome.data, dict) else None
    if not isinstance(letter, str) or letter not in asked.keys:
        raise _no_choice(letter, outcome)
    choice = asked.keys[letter]
    probabilities = probabilities_in(outcome, letter, asked.keys) if asked.by == "logprobs" else {}
    if choice not in probabilities:
        # The server was not asked, or was and does not tell.
        return Classification(choice=choice, confidence=None, by="answer")
    return Classification(choice=choice, confidence=probabilities[choice], probabilities=probabilities, by="logprobs")


def described(choices: Any) -> dict[str, str]:
    """Choice → what is meant by it, which may be nothing.

    Raises:
        ValueError: there is nothing to choose from.
    """
    if isinstance(choices, Mapping):
        pairs = list(choices.items())
    elif isinstance(choices, Sequence) and not isinstance(choices, str):
        # Pairs, as the choices of a model's field are.
        pairs = [one if isinstance(one, tuple) and len(one) == 2 else (one, "") for one in choices]
    else:
        raise ValueError("choices are to be names, or names with what is meant by them.")
    if not all(isinstance(name, str) and name.strip() for name, _meaning in pairs):
        raise ValueError("A choice is empty or no text: give each a name.")
    if any(storable(name) != name for name, _meaning in pairs):
        raise ValueError("A choice holds NUL or half a character, which no answer could name: leave that out.")
    found = {str(name): storable(str(meaning or "")) for name, meaning in pairs}
    if len(found) != len(pairs):
        raise ValueError("A choice is given twice: leave one out.")
    if not 2 <= len(found) <= MOST_CHOICES:
        raise ValueError(f"The number of choices is {len(found)}: give 2 to {MOST_CHOICES}.")
    return found


def _by_decisions(text: str, meanings: Mapping[str, str], instructions: str, found: How, model: str | None) -> Asked:
    if found.fallbacks or found.reusable_for:
        raise ValueError(
            f"fallbacks and cache are not taken here: the connection “{found.connection.alias}” classifies by "
            "decisions, and only for chat there is such a thing."
        )
    today = timezone.localdate()
    question = {
        "type": "choice",
        "instructions": instructions or "Which of the choices fits the text best?",
        "choices": [
            {"value": name, "description": meaning} if meaning else {"value": name}
            for name, meaning in meanings.items()
        ],
    }
    request = DecisionRequest(
        connection=found.connection.alias,
        model=model or default_model("decision", found.connection, today=today),
        text=text,
        questions=[question],
    )
    mind_the_end(request.model, found.connection, today=today)
    prepared = prepare_request(request, found.about(), retry=found.policy, now=timezone.now())
    return Asked(prepared=prepared, keys={name: name for name in meanings}, by="decisions")


def _by_answer(text: str, meanings: Mapping[str, str], instructions: str, found: How) -> Asked:
    told = len(meanings) <= MOST_TOLD
    # One token a choice: else the probability of a choice would be spread over its spellings.
    keys = dict(zip(string.ascii_uppercase if told else meanings, meanings, strict=False))
    lines = [f"{key}: {name}" if told else name for key, name in keys.items()]
    lines = [
        f"{line} ({meanings[keys[key]]})" if meanings[keys[key]] else line
        for key, line in zip(keys, lines, strict=True)
    ]
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
    sign = "letter" if told else "name"
    system = "\n".join(
        [
            instructions or "Classify the text.",
            f'Answer with JSON, {{"choice": …}}, and the {sign} of the one choice that fits best:',
            *lines,
        ]
    )
    question = Question(
        messages=[{"role": "system", "content": system}, {"role": "user", "content": text}],
        parameters=parameters,
        schema=schema,
        schema_name=NAME,
        check=check_json(schema),
    )
    prepared = prepare_question(question, found)
    return Asked(prepared=prepared, keys=keys, by="logprobs" if parameters else "answer")


def _decided(outcome: Outcome, asked: Asked) -> Classification:
    completion = outcome.end.completion
    answer = completion.result[0] if completion else {}
    choice = answer.get("choice")
    if not isinstance(choice, str) or choice not in asked.keys:
        raise _no_choice(choice, outcome)
    probabilities = decided_probabilities(answer, asked.keys)
    confidence = answer.get("confidence")
    return Classification(
        choice=choice,
        confidence=float(confidence) if is_probability(confidence) else probabilities.get(choice),
        probabilities=probabilities,
        by="decisions",
    )


def _no_choice(said: object, outcome: Outcome) -> OpenAISchemaValidationError:
    wrong = f"The model chose {storable(str(said))[:100]!r}, which is none of the choices."
    return OpenAISchemaValidationError(wrong, NAME, [wrong], outcome.text, call_id=outcome.call_id)
