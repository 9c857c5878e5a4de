"""Pydantic classes as schemas, and answers as their instances."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, ValidationError

from aiops.client.json_answer import json_in
from aiops.execution.prepare import Check

Model = TypeVar("Model", bound=BaseModel)


def schema_of_class(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a class, as strict as OpenAI wants it.

    Raises:
        ValueError: it has none that could be sent.
    """
    try:
        return to_strict_json_schema(model)
    except Exception as error:
        raise ValueError(f"No JSON Schema can be made of {model.__name__}: {error}") from error


def check_class(model: type[BaseModel]) -> Check:
    """What takes an answer apart that should be an instance of a class."""

    def check(text: str) -> tuple[Any, list[str]]:
        try:
            # The log keeps what was said, not what the class makes of it.
            instance_of(model, text)
            return json.loads(json_in(text) or ""), []
        except ValidationError as error:
            return None, [_sentence(problem) for problem in error.errors(include_url=False)[:20]]
        except (ValueError, RecursionError):
            return None, ["there is no JSON in it"]

    return check


def instance_of(model: type[Model], text: str) -> Model:
    """The instance that an answer says.

    Raises:
        ValueError: there is no JSON in it.
        ValidationError: it does not satisfy the class.
    """
    found = json_in(text)
    if found is None:
        raise ValueError(text)
    return model.model_validate_json(found)


def _sentence(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
