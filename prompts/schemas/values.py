"""The keywords of one value: whether they leave any value at all, and whether a provider takes its pattern."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from prompts.schemas.validate import AnswerValidator

LEAST = {"minimum": False, "exclusiveMinimum": True}
MOST = {"maximum": False, "exclusiveMaximum": True}
"""Keyword → whether the bound itself is outside."""

BESIDE = frozenset({"type", "pattern", "format", "multipleOf", "minItems", "maxItems", *LEAST, *MOST})
"""What decides about a value by itself, with no schema inside."""

NAMED = 5
"""Most values of one enum that are named."""

# An escaped character or a class holds no group; what is left of a pattern without them can be searched.
# A class that is never closed runs to the end: looked for again behind each of its characters, it would take for ever.
_NO_GROUP = re.compile(r"\\[^1-9k]|\[(?:\\.|[^\]\\])*+(?:\]|\Z)", re.DOTALL)
_AROUND = re.compile(r"\(\?<?[=!]|\\[1-9]|\\k<")


def problems_of_values(schema: dict[str, Any], types: list[str]) -> Iterator[str]:
    """One sentence for each thing that is wrong with the values that a schema allows, those inside it aside.

    Args:
        schema: valid JSON Schema.
        types: what its keyword `type` says, as a list.
    """
    if "enum" in schema:
        if not schema["enum"]:
            yield _("enum is empty: name the values that are allowed.")
        yield from islice(_unfit(schema, "enum", schema["enum"]), NAMED)
    if "const" in schema:
        yield from _unfit(schema, "const", [schema["const"]])
    if _leaves_no_number(schema, whole=set(types) <= {"integer", "null"}):
        names = ", ".join(name for name in (*LEAST, *MOST, "multipleOf") if name in schema)
        yield _("%(names)s leave no number: widen them.") % {"names": names}
    if schema.get("minItems", 0) > schema.get("maxItems", math.inf):
        yield _("minItems is above maxItems: swap them.")
    found = _AROUND.search(_NO_GROUP.sub("", schema.get("pattern", "")))
    if found:
        text = _("the pattern looks around or refers back (%(what)s), which is not taken: say it in the description.")
        yield text % {"what": found[0]}


def _unfit(schema: dict[str, Any], keyword: str, values: list[Any]) -> Iterator[str]:
    """What is wrong with the values of `enum` or `const`, by the keywords beside it."""
    try:
        validator = AnswerValidator({name: part for name, part in schema.items() if name in BESIDE})
    except ValueError:
        # A pattern that is none: the compiler says so about the whole schema.
        return
    for value in values:
        for problem in validator.problems(value)[:1]:
            yield f"{keyword}: {problem}."
    if keyword == "const" and schema["const"] not in schema.get("enum", values):
        shown = json.dumps(schema["const"], ensure_ascii=False)[:60]
        yield _("const: %(value)s is not in the enum.") % {"value": shown}


def _leaves_no_number(schema: dict[str, Any], *, whole: bool) -> bool:
    lows = [(schema[name], outside) for name, outside in LEAST.items() if name in schema]
    highs = [(schema[name], not outside) for name, outside in MOST.items() if name in schema]
    if not (lows and highs):
        return False
    # Of two equal bounds the one that is itself outside is the narrower: it sorts last among the lows, first here.
    (low, above), (high, inside) = max(lows), min(highs)
    if not whole:
        return bool(low > high or (low == high and (above or not inside)))
    first: int = math.floor(low) + 1 if above else math.ceil(low)
    last: int = math.floor(high) if inside else math.ceil(high) - 1
    step = schema.get("multipleOf", 1)
    if isinstance(step, int):
        first = -(-first // step) * step
    return first > last
