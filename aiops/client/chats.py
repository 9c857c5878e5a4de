"""Chat: what the methods for text ask, and what they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from openai.types.chat import ChatCompletion
from pydantic import BaseModel

from aiops.client.chat import chat_completion_of
from aiops.client.errors import raise_for
from aiops.client.how import how, split
from aiops.client.images import Detail, parts_of
from aiops.client.json_answer import check_json
from aiops.client.question import Question, checked, prepare_question
from aiops.client.schemas import schema_of_class
from aiops.execution.judge import Outcome
from aiops.execution.prepare import Prepared
from aiops.gateway.plain_text import storable
from aiops.gateway.usage import Usage


def prepare_chat(default: str, messages: Any, arguments: Mapping[str, Any]) -> Prepared:
    """The call behind `chat_completion`.

    Raises:
        ValueError: an argument makes no sense.
    """
    options, parameters = split(arguments)
    schema, schema_name = _schema(parameters)
    return prepare_question(
        Question(messages=checked(messages), parameters=parameters, schema=schema, schema_name=schema_name),
        how(default, **options),
    )


def prepare_stream(default: str, messages: Any, arguments: Mapping[str, Any]) -> Prepared:
    """The call behind `stream`.

    Raises:
        ValueError: an argument makes no sense.
    """
    if arguments.get("cache"):
        raise ValueError("cache is not taken here: a stream is always asked anew.")
    return prepare_chat(default, messages, arguments)


def prepare_json(default: str, messages: Any, arguments: Mapping[str, Any]) -> Prepared:
    """The call behind `chat_completion_json`.

    Raises:
        ValueError: an argument makes no sense.
    """
    options, parameters = split(arguments)
    schema, schema_name = _schema(parameters)
    question = Question(
        messages=checked(messages),
        parameters=parameters,
        schema=schema,
        schema_name=schema_name,
        check=check_json(schema),
    )
    return prepare_question(question, how(default, **options))


def prepare_vision(
    default: str, text_prompt: str, images: Any, detail: Detail, arguments: Mapping[str, Any]
) -> Prepared:
    """The call behind `create_with_vision`.

    Raises:
        ValueError: an image is none, or another argument makes no sense.
    """
    if not isinstance(text_prompt, str) or not text_prompt.strip():
        raise ValueError("The prompt is empty: say what is to be seen in the images.")
    options, _parameters = split(arguments)
    found = how(default, **options)
    parts = parts_of(images, detail)
    if found.connection.api == "chat" and any("file_id" in part["image_url"] for part in parts):
        raise ValueError(
            f"The connection “{found.connection.alias}” speaks Chat Completions, which takes no uploaded image: "
            'give its bytes, or give the connection the option API="responses".'
        )
    if found.connection.api == "chat" and any(part["image_url"]["detail"] == "original" for part in parts):
        raise ValueError(
            f"The connection “{found.connection.alias}” speaks Chat Completions, which knows no detail “original”: "
            'use “high”, or give the connection the option API="responses".'
        )
    content = [{"type": "text", "text": text_prompt}, *parts]
    return prepare_chat(default, [{"role": "user", "content": content}], arguments)


def completion_in(outcome: Outcome) -> ChatCompletion:
    """What `chat_completion` gives.

    Raises:
        OpenAIClientError: there is no answer.
    """
    raise_for(outcome)
    if outcome.completion is None:
        raise TypeError("A call that succeeded has an answer.")
    return chat_completion_of(outcome.completion, outcome.call_id)


def data_in(outcome: Outcome) -> Any:
    """What `chat_completion_json` gives.

    Raises:
        OpenAIClientError: there is no answer, or it is not the JSON that was asked for.
    """
    return raise_for(outcome).data


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEnd:
    """What a stream gives after its last piece of text."""

    text: str
    """All of it."""

    finish_reason: str
    usage: Usage | None
    """None: the provider did not say."""

    cost: int | None
    """Nano-dollars; None: unknown."""

    completion: ChatCompletion
    """The whole answer, tool calls included."""

    call_id: UUID


def end_of(outcome: Outcome) -> StreamEnd:
    """The last thing that a stream gives.

    Raises:
        OpenAIClientError: the answer is not whole, or there is none.
    """
    completion = completion_in(outcome)
    came = outcome.completion
    return StreamEnd(
        text=outcome.text,
        finish_reason=came.finish_reason if came else "",
        usage=came.usage if came else None,
        cost=outcome.cost,
        completion=completion,
        call_id=outcome.call_id,
    )


def _schema(parameters: dict[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """The schema among the parameters, taken out of them: a class, or the provider's own words for one."""
    wanted = parameters.get("response_format")
    if isinstance(wanted, type):
        if not issubclass(wanted, BaseModel):
            raise ValueError(f"response_format is the class {wanted.__name__}: give a Pydantic model.")
        del parameters["response_format"]
        return schema_of_class(wanted), wanted.__name__
    if isinstance(wanted, Mapping) and wanted.get("type") == "json_schema":
        told = wanted.get("json_schema")
        if not isinstance(told, Mapping) or not isinstance(told.get("schema"), Mapping):
            raise ValueError("response_format has no schema: give {'type': 'json_schema', 'json_schema': {…}}.")
        del parameters["response_format"]
        return told["schema"], str(told.get("name") or "answer")
    return None, ""


def texts_of(values: Any, what: str) -> Sequence[str]:
    """One text or several, none of them empty.

    Raises:
        ValueError: they are something else.
    """
    found = [values] if isinstance(values, str) else values
    if not isinstance(found, list | tuple) or not found:
        raise ValueError(f"There is nothing {what}: give a text, or a list of texts.")
    for number, text in enumerate(found, start=1):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"Text {number} is empty or no text: leave it out.")
    return [storable(text) for text in found]
