"""What every dialect does with an answer of status 200 before it means anything."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from aiops.gateway.completion import Completion
from aiops.gateway.dialects.sending import Facts
from aiops.gateway.errors import CutOff, Empty, Filtered, Incomplete, Malformed, Refused
from aiops.gateway.plain_text import TooDeep, storable, storable_data

RAW_KEPT = 100_000
"""Characters of a body that is no answer which are kept for people to look at."""

JsonObject = Mapping[str, Any]


def parsed(content: bytes, facts: Facts, what: str) -> JsonObject:
    """The body as a JSON object.

    Args:
        what: what it should have been, for the sentence.

    Raises:
        Malformed: it is none.
    """
    try:
        payload = json.loads(content)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise malformed(content, facts, what)
    return payload


def malformed(content: bytes, facts: Facts, what: str) -> Malformed:
    """The error for an answer that is not what it should have been."""
    raw = storable(content[:RAW_KEPT].decode(errors="replace"))
    return Malformed(f"The provider's answer is no {what}.", status=200, request_id=facts.request_id, raw=raw)


def raw_usage(payload: JsonObject) -> JsonObject:
    """The provider's own count as it may be stored; empty where there is none."""
    usage = payload.get("usage")
    try:
        return storable_data(usage) if isinstance(usage, dict) else {}
    except TooDeep:
        return {}


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether this is a number that can be reckoned with; Python reads `NaN` and `Infinity` as well."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def short(value: object, most: int) -> str:
    """A name out of an answer, as a column holds it."""
    return storable(str(value or ""))[:most]


def require_complete(completion: Completion) -> Completion:
    """The same completion, if it may be passed on.

    Raises:
        Incomplete: it may not; the error holds it.
    """
    if completion.refusal:
        raise Refused(f"The model declined: {completion.refusal[:300]}", completion)
    if completion.finish_reason == "content_filter":
        raise Filtered("The provider's content filter stopped the answer.", completion)
    if completion.finish_reason == "length":
        raise CutOff("The answer was cut off at its output limit; raise the output limit.", completion)
    if not completion.text.strip() and not completion.tool_calls:
        raise Empty("The provider's answer is empty.", completion)
    if not completion.finish_reason:
        raise Incomplete("The provider did not say that the answer is complete.", completion)
    return completion
