"""Two schemas made one that asks what both ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiops.gateway.stand_in.strings import Unanswerable

_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def merged(one: Mapping[str, Any], other: Any) -> Any:
    """Both schemas as one, as far as two can be joined without reasoning; what is left over is for the caller's check.

    Raises:
        Unanswerable: no value is in both.
    """
    if other is True:
        return one
    if not isinstance(other, Mapping):
        return other
    whole = {**one, **other}
    if "properties" in one and "properties" in other:
        whole["properties"] = {**one["properties"], **other["properties"]}
        for name in one["properties"].keys() & other["properties"].keys():
            whole["properties"][name] = {"allOf": [one["properties"][name], other["properties"][name]]}
    if "required" in one and "required" in other:
        whole["required"] = [*one["required"], *other["required"]]
    for words, tighter in ((_LEAST, max), (_MOST, min)):
        for word in words:
            if word in one and word in other:
                whole[word] = tighter(one[word], other[word])
    for word in ("allOf", "anyOf", "oneOf"):
        if word in one and word in other:
            whole["allOf"] = [*whole.get("allOf", ()), {word: one[word]}]
    if "enum" in one and "enum" in other:
        whole["enum"] = [value for value in one["enum"] if value in other["enum"]]
        if not whole["enum"]:
            raise Unanswerable("This schema asks for what cannot be. Script an answer with Answer(data=…).")
    return whole
