"""Answers as instances of a Pydantic class."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Unpack
from uuid import UUID

from pydantic import BaseModel

from aiops.client.errors import OpenAISchemaValidationError, raise_for
from aiops.client.how import Circumstances, How, how
from aiops.client.question import Question, checked, prepare_question
from aiops.client.schemas import Model, check_class, instance_of, problems_of_instance, schema_of_class
from aiops.execution.call import amake_call, make_call
from aiops.execution.judge import Outcome
from aiops.execution.prepare import Prepared
from aiops.gateway.model_rules import rules_of
from aiops.gateway.retry import RetryPolicy

ELSEWHERE: Mapping[str, str] = {"model": "give model_name", "retry": "give max_retries and retry_delay"}
"""Options of the client's methods that go by another name here."""


async def get_structured_completion(
    prompt: Any,
    model_name: str,
    schema_model: type[Model],
    temperature: float = 0.2,
    max_tokens: int = 4096,
    max_retries: int = 3,
    retry_delay: float = 1.0,
    allow_repair: bool = False,
    **circumstances: Unpack[Circumstances],
) -> Model:
    """Ask for an instance of a class.

    Args:
        prompt: a text, or messages with role and content.
        model_name: empty for the connection's own.
        schema_model: Pydantic class of the answer.
        temperature: 0 to 2; not sent to a model that takes none.
        max_tokens: most tokens of the answer.
        max_retries: how often it is sent again after a failure that may pass.
        retry_delay: seconds before the second attempt, doubled before each further one.
        allow_repair: whether an answer that is no instance is shown to the model with what is wrong, once.
        circumstances: as `Circumstances` has them: connection, by, row, purpose, timeout, cache, fallbacks.

    Raises:
        ValueError: an argument makes no sense; nothing was sent.
        OpenAITransportError: no answer came.
        OpenAIIncompleteError: it was cut off, declined, filtered or empty.
        OpenAISchemaValidationError: it is no instance of the class.
        aiops.execution.errors.REFUSALS: nothing was sent.
    """
    asked = _Asked(prompt, model_name, schema_model, temperature, max_tokens, max_retries, retry_delay, circumstances)
    outcome = await amake_call(asked.prepare)
    if allow_repair and outcome.problems:
        outcome = await amake_call(asked.repair(outcome))
    return asked.instance(outcome)


def get_structured_completion_sync(
    prompt: Any,
    model_name: str,
    schema_model: type[Model],
    temperature: float = 0.2,
    max_tokens: int = 4096,
    max_retries: int = 3,
    retry_delay: float = 1.0,
    allow_repair: bool = False,
    **circumstances: Unpack[Circumstances],
) -> Model:
    """As `get_structured_completion`, blocking."""
    asked = _Asked(prompt, model_name, schema_model, temperature, max_tokens, max_retries, retry_delay, circumstances)
    outcome = make_call(asked.prepare())
    if allow_repair and outcome.problems:
        outcome = make_call(asked.repair(outcome)())
    return asked.instance(outcome)


@dataclass
class _Asked(Generic[Model]):
    """The same for both drivers. Made only of arguments that make sense."""

    prompt: Any
    model_name: str
    schema_model: type[Model]
    temperature: float
    max_tokens: int
    max_retries: int
    retry_delay: float
    circumstances: Circumstances

    def __post_init__(self) -> None:
        if not (isinstance(self.schema_model, type) and issubclass(self.schema_model, BaseModel)):
            raise ValueError(f"schema_model is {_shown(self.schema_model)}: give a Pydantic class.")
        if not isinstance(self.model_name, str):
            raise ValueError(f"model_name is {self.model_name!r}: give the name of a model.")
        _number("temperature", self.temperature, least=0, most=2)
        _number("max_tokens", self.max_tokens, least=1, whole=True)
        _number("max_retries", self.max_retries, least=0, whole=True)
        _number("retry_delay", self.retry_delay, least=0)
        for name in self.circumstances:
            if name not in Circumstances.__annotations__:
                remedy = ELSEWHERE.get(name, "use chat_completion or client.sdk")
                raise ValueError(f"{name} is not taken here: {remedy}.")
        self.messages = checked(self.prompt)
        self.schema = schema_of_class(self.schema_model)
        self.started = time.monotonic()

    def prepare(self) -> Prepared:
        """The first call."""
        return self._question(list(self.messages), follows=None)

    def repair(self, outcome: Outcome) -> Callable[[], Prepared]:
        """The call that shows the model what was wrong."""
        wrong = "\n".join(f"- {problem}" for problem in outcome.problems)
        messages = [
            *self.messages,
            {"role": "assistant", "content": outcome.text},
            {
                "role": "user",
                "content": f"That does not fit what was asked for:\n{wrong}\nAnswer again, with JSON only.",
            },
        ]
        return lambda: self._question(messages, follows=outcome.call_id)

    def instance(self, outcome: Outcome) -> Model:
        """What was asked for.

        Raises:
            OpenAIClientError: there is none.
        """
        raise_for(outcome, schema_name=self.schema_model.__name__)
        try:
            return instance_of(self.schema_model, outcome.data)
        except Exception as error:
            # A class whose validators do not always say the same.
            problems = problems_of_instance(self.schema_model, outcome.data) or [type(error).__name__]
            raise OpenAISchemaValidationError(
                f"The output is no {self.schema_model.__name__}: {'; '.join(problems)}",
                self.schema_model.__name__,
                problems,
                outcome.text,
                call_id=outcome.call_id,
            ) from error

    def _question(self, messages: list[Any], *, follows: UUID | None) -> Prepared:
        found = self._how(follows)
        question = Question(
            messages=messages,
            # A default of ours, that not every model takes.
            parameters=rules_of(found.connection, found.model).adapted({"temperature": self.temperature})
            | {"max_tokens": self.max_tokens},
            schema=self.schema,
            schema_name=self.schema_model.__name__,
            check=check_class(self.schema_model),
        )
        return prepare_question(question, found)

    def _how(self, follows: UUID | None) -> How:
        found = how("default", model=self.model_name, **self.circumstances)
        policy = RetryPolicy(
            attempts=self.max_retries + 1,
            first_wait=self.retry_delay,
            longest_wait=max(found.policy.longest_wait, self.retry_delay),
            # A repair has what the first call has left of the time.
            deadline=max(0.001, found.policy.deadline - (time.monotonic() - self.started)),
        )
        return replace(found, policy=policy, follows=follows)


def _shown(given: Any) -> str:
    if isinstance(given, type):
        return f"the class {given.__name__}"
    # What an instance holds may be nobody's business.
    return f"an instance of {type(given).__name__}"


def _number(name: str, value: Any, *, least: float, most: float = math.inf, whole: bool = False) -> None:
    kinds: Any = int if whole else int | float
    if not isinstance(value, kinds) or isinstance(value, bool) or not least <= value <= most or value == math.inf:
        kind = "a whole number" if whole else "a number"
        bounds = f"from {least:g} to {most:g}" if most < math.inf else f"of at least {least:g}"
        raise ValueError(f"{name} is {value!r}: give {kind} {bounds}.")
