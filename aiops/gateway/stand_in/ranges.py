"""Numbers between the bounds that a schema gives."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

from aiops.gateway.stand_in.strings import Unanswerable

SPAN = 100
"""How far apart the ends are where a schema names only one, or none."""


def integer_of(schema: Mapping[str, Any], rng: random.Random) -> int:
    """An integer of this schema.

    Raises:
        Unanswerable: there is none.
    """
    step = schema.get("multipleOf", 1)
    # A fraction as a step is left to the caller's check: most integers that are its multiples are no rarer.
    return int(_multiple(schema, step, rng) if isinstance(step, int) else _multiple(schema, 1, rng))


def number_of(schema: Mapping[str, Any], rng: random.Random) -> float:
    """A number of this schema.

    Raises:
        Unanswerable: there is none.
    """
    if "multipleOf" in schema:
        return float(_multiple(schema, schema["multipleOf"], rng))
    low, high, open_below, open_above = _ends(schema)
    if low > high or (low == high and (open_below or open_above)):
        raise _none()
    room = (high - low) / 1000
    low, high = low + room * open_below, high - room * open_above
    drawn = rng.uniform(low, high)
    # Two decimals read like a model's answer, where the range leaves room for them.
    return round(drawn, 2) if low <= round(drawn, 2) <= high and high - low > 0.02 else min(max(drawn, low), high)


def _multiple(schema: Mapping[str, Any], step: float, rng: random.Random) -> float:
    low, high, open_below, open_above = _ends(schema)
    first, last = math.ceil(low / step), math.floor(high / step)
    first += open_below and first * step == low
    last -= open_above and last * step == high
    if first > last:
        raise _none()
    return round(rng.randint(first, last) * step, 12)


def _ends(schema: Mapping[str, Any]) -> tuple[float, float, bool, bool]:
    """The least and the most, and whether each of them is itself outside."""
    least, above = schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf)
    most, below = schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf)
    low, high = max(least, above), min(most, below)
    if low == -math.inf:
        low = min(0, high - SPAN) if high < math.inf else 0
    if high == math.inf:
        high = low + SPAN * max(1, schema.get("multipleOf", 1))
    return low, high, above == low, below == high


def _none() -> Unanswerable:
    return Unanswerable("This schema asks for what cannot be. Script an answer with Answer(data=…).")
