"""Pydantic classes as schemas, and answers as their instances."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, TypeVar

from django.utils.translation import gettext as _
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, ValidationError

from aiops.client.json_answer import check_json
from aiops.client.strict_form import strict_form
from aiops.execution.prepare import Check
from aiops.gateway.plain_text import storable

Model = TypeVar("Model", bound=BaseModel)

MOST_PROBLEMS = 20
LONGEST_PROBLEM = 300
"""Characters; a model may write anything where a name is expected."""


@lru_cache(maxsize=256)
def schema_of_class(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a class, as strict as it can be made. Not to be changed by whoever gets it.

    Raises:
        ValueError: it has none that could be sent.
    """
    try:
        schema = strict_form(to_strict_json_schema(model))
        json.dumps(schema, allow_nan=False)
    except Exception as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"No JSON Schema can be made of {model.__name__}: {why}") from error
    if schema.get("type") != "object":
        raise ValueError(
            f"{model.__name__} is no object but {_kind_of(schema)}, and providers answer with objects only: "
            "make it a field of a class."
        )
    return schema


def check_class(model: type[BaseModel]) -> Check:
    """What takes an answer apart that should be an instance of a class.

    The data is what was said, not what the class makes of it: dates stay texts.
    """
    read = check_json()

    def check(text: str) -> tuple[Any, list[str]]:
        data, problems = read(text)
        problems = problems or problems_of_instance(model, data)
        return (None, problems) if problems else (data, [])

    return check


def instance_of(model: type[Model], data: Any) -> Model:
    """The instance that data says, read as JSON: a strict class takes its dates and enumerations from texts.

    Raises:
        Exception: it says none; whatever the class and its validators raise.
    """
    return model.model_validate_json(json.dumps(data))


def problems_of_instance(model: type[BaseModel], data: Any) -> list[str]:
    """What keeps data from being an instance, a sentence each; empty where it is one."""
    try:
        instance_of(model, data)
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False, include_input=False)
        return [_sentence(problem) for problem in told[:MOST_PROBLEMS]]
    except Exception as error:
        # A validator that fails at what a model may well say. The answer is paid for, and must be recorded.
        return [_("%(model)s cannot be made of it: %(error)s") % {"model": model.__name__, "error": _told(error)}]
    return []


def _sentence(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    return storable(f"{place}: {problem['msg']}" if place else str(problem["msg"]))[:LONGEST_PROBLEM]


def _told(error: Exception) -> str:
    return storable(f"{type(error).__name__}: {error}")[:LONGEST_PROBLEM]


def _kind_of(schema: dict[str, Any]) -> str:
    return {"array": "a list", "string": "a text"}.get(str(schema.get("type")), "something else")
