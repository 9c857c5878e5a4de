"""Instances of a JSON Schema, drawn at random: what most schemas of answers use, and references without end."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aiops.gateway.stand_in.merging import merged
from aiops.gateway.stand_in.ranges import integer_of, number_of
from aiops.gateway.stand_in.strings import Unanswerable, sentence, string_of

DEEP = 4
"""Below this depth only what must be there is there, so that schemas which refer to themselves come to an end."""

BOTTOM = 60
"""Below this depth it has no end."""

_INDIRECT = frozenset(("$ref", "allOf", "anyOf", "oneOf"))
"""Keywords that say what the schema is by others."""

_SCALARS = ("null", "boolean", "integer", "number", "string")


def instance_of(schema: Any, rng: random.Random) -> Any:
    """One instance. Exclusions (`not`, `if`, the "one" of `oneOf`, …) are left to the caller to check.

    Raises:
        Unanswerable: the schema has no end, or a keyword is not understood.
    """
    return _Maker(schema, rng).make(schema, 0)


class _Maker:
    def __init__(self, root: Any, rng: random.Random) -> None:
        self.root = root
        self.rng = rng
        self.known_ends: dict[tuple[int, int], tuple[Any, bool]] = {}
        """By the identity of a part of the schema, which is kept for that, and how far down it may go."""

    def make(self, schema: Any, depth: int) -> Any:
        if depth > BOTTOM:
            raise Unanswerable("This schema refers to itself without an end. Script an answer with Answer(data=…).")
        if schema is True or schema == {}:
            return sentence(self.rng)
        schema = self.flat(schema, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        return self.by_type[self.type_of(schema, depth)](self, schema, depth)

    def flat(self, schema: Any, depth: int) -> Mapping[str, Any]:
        """The schema with its references followed, and one branch of each choice taken."""
        for _ in range(BOTTOM):
            if isinstance(schema, dict) and _INDIRECT.isdisjoint(schema):
                return schema
            if schema is True:
                return {}
            if not isinstance(schema, dict):
                raise Unanswerable("This schema accepts nothing. Script an answer with Answer(data=…).")
            if "$ref" in schema:
                schema = merged(_without(schema, "$ref"), self.referred(schema["$ref"]))
            elif "allOf" in schema:
                whole = _without(schema, "allOf")
                for part in schema["allOf"]:
                    whole = merged(whole, self.flat(part, depth))
                schema = whole
            else:
                word = "anyOf" if "anyOf" in schema else "oneOf"
                schema = merged(_without(schema, word), self.branch(schema[word], depth))
        raise Unanswerable("This schema refers to itself without an end. Script an answer with Answer(data=…).")

    def branch(self, branches: list[Any], depth: int) -> Any:
        """One of the branches; far down, the one that ends soonest."""
        if depth < DEEP:
            return self.rng.choice(branches)
        for within in range(BOTTOM):
            soonest = [branch for branch in branches if self.ends(branch, within)]
            if soonest:
                return self.rng.choice(soonest)
        return branches[0]

    def ends(self, schema: Any, within: int) -> bool:
        """Whether something of this schema can be made without going further down than so many steps."""
        if not isinstance(schema, dict):
            return True
        if within < 0:
            return False
        key = id(schema), within
        if key not in self.known_ends:
            self.known_ends[key] = schema, all(self._parts_end(schema, within - 1))
        return self.known_ends[key][1]

    def _parts_end(self, schema: Mapping[str, Any], within: int) -> Iterator[bool]:
        if "$ref" in schema:
            yield self.ends(self.referred(schema["$ref"]), within)
        yield from (self.ends(part, within) for part in schema.get("allOf", ()))
        for word in ("anyOf", "oneOf"):
            if word in schema:
                yield any(self.ends(part, within) for part in schema[word])
        said = schema.get("type", ())
        scalar = any(name in said for name in _SCALARS) if isinstance(said, list) else said in _SCALARS
        if scalar or "const" in schema or "enum" in schema:
            return
        properties = schema.get("properties", {})
        yield from (self.ends(properties[name], within) for name in schema.get("required", ()) if name in properties)
        if schema.get("minItems"):
            yield self.ends(schema.get("items", True), within)

    def referred(self, reference: str) -> Any:
        """What a reference inside the same schema means."""
        if not reference.startswith("#"):
            raise Unanswerable(f"The stand-in follows no reference out of the schema: {reference!r}.")
        found = self.root
        for step in reference[1:].split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(step)] if isinstance(found, list) else found[step]
            except (KeyError, IndexError, ValueError, TypeError):
                raise Unanswerable(f"The schema refers to {reference!r}, which it does not have.") from None
        return found

    def type_of(self, schema: Mapping[str, Any], depth: int) -> str:
        """The type to make: as said, or as the other keywords let one guess."""
        said = schema.get("type")
        if isinstance(said, list):
            if depth >= DEEP:
                return next(name for name in (*_SCALARS, "array", "object") if name in said)
            others = [name for name in said if name != "null"]
            rarely_null = "null" in said and (not others or self.rng.random() < 0.15)
            return "null" if rarely_null else str(self.rng.choice(others))
        if isinstance(said, str):
            return said
        for keyword, guess in _GUESSES.items():
            if keyword in schema:
                return guess
        return "string"

    def object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        made = {}
        for name in dict.fromkeys((*properties, *required)):
            if name in required or (depth < DEEP and self.rng.random() < 0.7):
                made[name] = self.make(properties.get(name, True), depth + 1)
        least = schema.get("minProperties", 0)
        if len(made) >= least:
            return made
        extra = schema.get("additionalProperties", True)
        for name in (*properties, *(f"extra_{number}" for number in range(least))):
            if len(made) >= least:
                break
            if name not in made and (name in properties or extra is not False):
                made[name] = self.make(properties.get(name, extra), depth + 1)
        return made

    def array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        first = schema.get("prefixItems", [])
        rest = schema.get("items", True)
        least = schema.get("minItems", 0)
        if "contains" in schema:
            least = max(least, schema.get("minContains", 1))
            rest = merged(rest, schema["contains"]) if isinstance(rest, Mapping) else schema["contains"]
        most = schema.get("maxItems", max(least, 3))
        count = least if depth >= DEEP else self.rng.randint(least, max(least, most if most < 10 else least + 3))
        if rest is False:
            count = min(count, len(first))
        made: list[Any] = []
        seen: set[str] = set()
        for _ in range(count * 20):
            if len(made) == count:
                break
            item = self.make(first[len(made)] if len(made) < len(first) else rest, depth + 1)
            told = json.dumps(item, sort_keys=True)
            if not schema.get("uniqueItems") or told not in seen:
                seen.add(told)
                made.append(item)
        return made

    def integer(self, schema: Mapping[str, Any], _depth: int) -> int:
        return integer_of(schema, self.rng)

    def number(self, schema: Mapping[str, Any], _depth: int) -> float:
        return number_of(schema, self.rng)

    def string(self, schema: Mapping[str, Any], _depth: int) -> str:
        return string_of(schema, self.rng)

    def boolean(self, _schema: Mapping[str, Any], _depth: int) -> bool:
        return self.rng.random() < 0.5

    def null(self, _schema: Mapping[str, Any], _depth: int) -> None:
        return None

    by_type: Mapping[str, Callable[[_Maker, Mapping[str, Any], int], Any]] = {
        "object": object,
        "array": array,
        "integer": integer,
        "number": number,
        "string": string,
        "boolean": boolean,
        "null": null,
    }


_GUESSES = {
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
    "items": "array",
    "prefixItems": "array",
    "minItems": "array",
    "contains": "array",
    "minimum": "number",
    "maximum": "number",
    "exclusiveMinimum": "number",
    "exclusiveMaximum": "number",
    "multipleOf": "number",
}


def _without(schema: Mapping[str, Any], word: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != word}
