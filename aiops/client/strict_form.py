"""Schemas as Pydantic writes them, in the words that providers take; what they have no word for goes into the
description, and is seen to when the answer comes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from prompts.schemas import problems_of_schema
from prompts.schemas.keywords import FORMATS

DROPPED = frozenset(
    {
        "default",
        "deprecated",
        "discriminator",
        "examples",
        "readOnly",
        "writeOnly",
        "contentMediaType",
        "contentEncoding",
    }
)
"""Keywords that say nothing about which answers are right, or nothing beside the rest."""

TOLD = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "uniqueItems": "no two the same",
}
"""Keyword → what the description says instead."""

BELOW = ("properties", "$defs")
"""Keywords that hold schemas by name."""


def strict_form(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema in the words that strict structured output takes, as far as it has words."""
    found: dict[str, Any] = {}
    told = [sentence.format(schema[name]) for name, sentence in TOLD.items() if name in schema]
    for name, value in schema.items():
        if name in BELOW:
            found[name] = {inner: strict_form(one) for inner, one in value.items()}
        elif name in ("anyOf", "oneOf"):
            # Which of them it is, the class finds out; exactly one or at least one makes no difference to it.
            found["anyOf"] = [strict_form(one) for one in value]
        elif name not in DROPPED and name not in TOLD and not _unknown(name, value):
            found[name] = strict_form(value) if isinstance(value, Mapping) else value
    if told:
        found["description"] = "; ".join([*([found["description"]] if "description" in found else []), *told])
    return found


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether a provider takes the schema in strict mode; others it takes as advice."""
    return _is_strict(json.dumps(schema))


@lru_cache(maxsize=256)
def _is_strict(schema: str) -> bool:
    return not problems_of_schema(json.loads(schema))


def _unknown(name: str, value: Any) -> bool:
    if name == "pattern":
        # Lookarounds, such as Pydantic writes for decimals.
        return "(?" in str(value)
    return name == "format" and value not in FORMATS
