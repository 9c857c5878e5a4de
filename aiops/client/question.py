"""Messages and parameters, as the SDK takes them, into a request of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from aiops.client.defaults import mind_the_end
from aiops.client.how import How
from aiops.client.strict_form import is_strict
from aiops.execution.prepare import Check, Prepared, prepare_request
from aiops.gateway.dialects import Request
from aiops.gateway.model_rules import rules_of
from aiops.gateway.plain_text import TooDeep, storable_data

LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""The names that the output limit goes by; any will do."""

ELSEWHERE: Mapping[str, str] = {
    "stream": "use the method stream",
    "stream_options": "use the method stream",
    "extra_headers": "use client.sdk",
    "extra_query": "use client.sdk",
    "extra_body": "use client.sdk",
    "background": "use client.sdk",
    "conversation": "use client.sdk",
    "previous_response_id": "use client.sdk",
}

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


BOUNDS: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "n": (1, 128),
    "top_logprobs": (0, 20),
}
"""Parameter → the least and the greatest that any provider takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, ready to be sent."""

    messages: Sequence[Mapping[str, Any]]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None
    schema_name: str = ""
    check: Check | None = None
    """Judges the answer instead of the schema."""


def prepare_question(question: Question, how: How) -> Prepared:
    """The call that asks it.

    Raises:
        ValueError: what is asked makes no sense.
        ConnectionProblem, NotAsked: as `prepare_request`.
    """
    parameters = dict(question.parameters)
    mind_the_end(how.model, how.connection, today=timezone.localdate())
    request = Request(
        connection=how.connection.alias,
        model=how.model,
        messages=checked(question.messages),
        output_limit=how.connection.output_limit_for(_output_limit(parameters, how)),
        parameters=rules_of(how.connection, how.model).fitted(_sensible(parameters)),
        schema=question.schema,
        schema_name=_name(question.schema_name),
        strict=question.schema is None or is_strict(question.schema),
    )
    return prepare_request(
        request,
        how.about(),
        fallbacks=how.fallbacks,
        check=question.check,
        retry=how.policy,
        reusable_for=how.reusable_for,
        now=timezone.now(),
    )


def checked(messages: Any) -> Sequence[Mapping[str, Any]]:
    """The messages, if they are some. A text by itself is a user's message.

    Raises:
        ValueError: they are not, or say nothing.
    """
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    if not isinstance(messages, Sequence) or not messages:
        raise ValueError("messages are empty: give a text, or a list of messages with role and content.")
    try:
        # What a customer wrote may hold what neither a database nor JSON can.
        found = [storable_data(_plain(_as_mapping(message))) for message in messages]
    except (TooDeep, RecursionError):
        raise ValueError("A message is nested too deeply.") from None
    for number, message in enumerate(found, start=1):
        role, content = message.get("role"), message.get("content")
        if role not in ROLES:
            raise ValueError(f"Message {number} has the role {role!r}: use system, developer, user, assistant or tool.")
        if not (content is None or isinstance(content, str | list | tuple)):
            raise ValueError(f"Message {number} has a content of type {type(content).__name__}: give text or parts.")
        if not isinstance(content, str | None) and not all(isinstance(part, Mapping) for part in content):
            raise ValueError(f"Message {number} has a part that is no dictionary: give its type and what is in it.")
    if not any(_says(message) for message in found):
        raise ValueError("The prompt is empty: there is nothing to ask.")
    return found


def _as_mapping(message: Any) -> Mapping[str, Any]:
    if isinstance(message, Mapping):
        return message
    # The SDK's own messages, put into the next question as they came.
    if hasattr(message, "to_dict"):
        made: Mapping[str, Any] = message.to_dict()
        return made
    raise ValueError(f"A message is of type {type(message).__name__}: give a dictionary with role and content.")


def _plain(value: Any) -> Any:
    """The same in dictionaries and lists only."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _says(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    if isinstance(content, str):
        return bool(content.strip())
    if not content:
        return bool(message.get("tool_calls"))
    return any(part.get("type") != "text" or str(part.get("text") or "").strip() for part in content)


def _name(schema_name: str) -> str:
    """A class may have brackets in its name, and letters that providers do not take."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", schema_name)[:64]


def _sensible(parameters: dict[str, Any]) -> dict[str, Any]:
    for name, (least, most) in BOUNDS.items():
        value = parameters.get(name)
        if value is None:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"{name} is {value!r}: give a number from {least:g} to {most:g}.")
    for name, value in parameters.items():
        try:
            json.dumps(value, allow_nan=False)
            parameters[name] = storable_data(value)
        except (TypeError, ValueError, RecursionError, TooDeep) as error:
            raise ValueError(f"{name} cannot be said in JSON: {error or 'it is nested too deeply'}.") from error
    return parameters


def _output_limit(parameters: dict[str, Any], how: How) -> int:
    for name in parameters:
        if name in ELSEWHERE:
            raise ValueError(f"{name} is not taken here: {ELSEWHERE[name]}.")
    limits = {name: parameters.pop(name) for name in LIMITS if name in parameters}
    given = [limit for limit in limits.values() if limit is not None]
    for name, limit in limits.items():
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
            raise ValueError(f"{name} is {limit!r}: give a whole number above zero.")
    return given[0] if given else how.connection.output_limit
