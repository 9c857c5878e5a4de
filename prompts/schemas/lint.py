"""Whether a schema can be used for structured output: valid JSON Schema 2020-12, in the strict dialect of providers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jsonschema_rs
from django.utils.translation import gettext as _

from prompts.canonical import canonical
from prompts.rendering.text import holds_bad_characters
from prompts.schemas.keywords import AT_ROOT, EVERYWHERE, FORMATS, INSTEAD, OF_TYPE, TYPES
from prompts.schemas.references import LEVELS, WHOLE, definition, endless, too_deep
from prompts.schemas.values import problems_of_values

PROPERTIES = 5_000
ENUM_VALUES = 1_000
CHARS = 200_000
"""Longest schema, characters of JSON."""
NESTING = 60
"""Deepest raw JSON that is looked at at all."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a schema."""

    path: str
    """Where: `address.street`, `tags[]`, `$defs.Address`; empty for the whole."""
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}" if self.path else self.sentence


def problem(path: str, sentence: str, **values: object) -> Problem:
    """A problem with the values filled into its sentence."""
    return Problem(path, sentence % values)


def problems_of_schema(body: Any) -> list[Problem]:
    """All that is wrong with a schema; empty when it can be used."""
    try:
        return _of_the_whole(body) or _of_the_dialect(body) or _of_strictness(body) or _of_the_compiler(body)
    except RecursionError:
        return [problem("", _("The references of the schema lead too deep: make it flatter."))]


def _of_strictness(body: dict[str, Any]) -> list[Problem]:
    found = list(Lint(body).problems())
    if not found and (path := too_deep(body)) is not None:
        found.append(problem(path, _("more than %(limit)d levels deep: make it flatter."), limit=LEVELS))
    if not found and (ref := endless(body)) is not None:
        text = _(
            "no answer comes to an end, for the references lead in a circle: "
            "allow null, or an array that may be empty, on the way."
        )
        found.append(problem(_path_of(ref), text))
    return found


def _path_of(ref: str) -> str:
    return ref.lstrip("#/").replace("/", ".")


def _of_the_whole(body: Any) -> list[Problem]:
    if not isinstance(body, dict):
        return [Problem("", _('A schema is a JSON object, such as {"type": "object", …}.'))]
    if _deeper_than(body, NESTING):
        return [problem("", _("The schema is nested more than %(levels)d levels deep."), levels=NESTING)]
    try:
        text = canonical(body)
    except (TypeError, ValueError):
        return [Problem("", _("The schema is no plain JSON: it holds NaN, infinity, or something that is no data."))]
    if len(text) > CHARS:
        return [problem("", _("The schema has more than %(limit)s characters."), limit=f"{CHARS:,}")]
    if holds_bad_characters(body):
        return [Problem("", _("The schema holds a NUL or half a character: remove it."))]
    return []


def _deeper_than(body: Any, levels: int) -> bool:
    layer = [body]
    for _level in range(levels):
        layer = [
            inner
            for item in layer
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not layer:
            return False
    return True


@cache
def _dialect() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"}, offline=True)


def _of_the_dialect(body: dict[str, Any]) -> list[Problem]:
    found: dict[str, Problem] = {}
    for error in _dialect().iter_errors(body):
        path = ".".join(map(str, error.instance_path))
        if error.instance_path and error.instance_path[-1] == "type":
            text = _("the type is one of %(types)s, or a list of them.") % {"types": ", ".join(TYPES)}
        else:
            text = _("not valid JSON Schema 2020-12: %(error)s.") % {"error": error.message[:200]}
        found.setdefault(path, Problem(path, text))
    return list(found.values())


def _of_the_compiler(body: dict[str, Any]) -> list[Problem]:
    try:
        jsonschema_rs.Draft202012Validator(body, validate_formats=True, offline=True)
    except jsonschema_rs.ValidationError as error:
        # The one thing that the walk leaves to the compiler: whether a pattern is a regular expression.
        path = ".".join(map(str, error.instance_path))
        return [problem(path, _("cannot be used: %(error)s."), error=error.message[:200])]
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        return [problem("", _("The schema cannot be used: %(error)s."), error=str(error).splitlines()[0][:200])]
    return []


@dataclass
class Lint:
    """One walk through a schema, references followed."""

    root: dict[str, Any]
    properties: int = 0
    enum_values: int = 0
    seen: set[str] = field(default_factory=lambda: {WHOLE})
    """References walked already: each definition is counted and reported once."""

    def problems(self) -> Iterator[Problem]:
        """All problems, in the order in which they stand."""
        if self.root.get("type") != "object" or "anyOf" in self.root:
            yield problem("", _('The root of the schema must be an object: {"type": "object", …}, without anyOf.'))
        yield from self.walk(self.root, "")
        for name, schema in self.root.get("$defs", {}).items():
            if f"#/$defs/{name}" not in self.seen:
                yield from self.walk(schema, f"$defs.{name}")
        if self.properties > PROPERTIES:
            yield problem("", _("%(n)s properties are too many: at most 5,000."), n=f"{self.properties:,}")
        if self.enum_values > ENUM_VALUES:
            yield problem("", _("%(n)s enum values are too many: at most 1,000."), n=f"{self.enum_values:,}")

    def walk(self, schema: Any, path: str) -> Iterator[Problem]:
        """Problems of one schema and all below it."""
        if not isinstance(schema, dict):
            yield problem(path, _("true and false are no schemas here: give it a type."))
            return
        if "$ref" in schema:
            yield from self.reference(schema, path)
            return
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        yield from self.keywords(schema, path, types)
        yield from (Problem(path, sentence) for sentence in problems_of_values(schema, types))
        if not types and "anyOf" not in schema:
            yield problem(path, _("has no type: give it one of %(types)s."), types=", ".join(TYPES))
        self.enum_values += len(schema.get("enum", []))
        if "object" in types:
            yield from self.object(schema, path)
        if "array" in types:
            if "items" in schema:
                yield from self.walk(schema["items"], f"{path}[]")
            else:
                yield problem(path, _("an array needs items: say what is in it."))
        for number, choice in enumerate(schema.get("anyOf", []), start=1):
            yield from self.walk(choice, f"{path}<{number}>")

    def keywords(self, schema: dict[str, Any], path: str, types: list[str]) -> Iterator[Problem]:
        """Keywords that are not taken, or not for this type."""
        allowed = EVERYWHERE.union(*(OF_TYPE.get(kind, frozenset()) for kind in types))
        if not path:
            allowed |= AT_ROOT
        for name in schema:
            if name in allowed:
                continue
            kinds = [kind for kind, names in OF_TYPE.items() if name in names]
            if name in INSTEAD:
                yield problem(path, _("%(name)s is not taken: %(remedy)s."), name=name, remedy=INSTEAD[name])
            elif kinds:
                yield problem(path, _("%(name)s goes with the type %(types)s."), name=name, types=" / ".join(kinds))
            else:
                yield problem(path, _("%(name)s is not taken: remove it."), name=name)
        if "format" in schema and schema["format"] not in FORMATS:
            yield problem(path, _("the format is one of %(formats)s."), formats=", ".join(FORMATS))

    def object(self, schema: dict[str, Any], path: str) -> Iterator[Problem]:
        """Properties named, all required, nothing else allowed."""
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        self.properties += len(properties)
        if not properties:
            yield problem(path, _("an object needs properties: name them; for open keys use an array of pairs."))
        if schema.get("additionalProperties") is not False:
            yield problem(path, _("an object needs additionalProperties: false."))
        if missing := ", ".join(name for name in properties if name not in required):
            text = _("every property must be required: add %(names)s, and allow null where it may be empty.")
            yield problem(path, text, names=missing)
        if extra := ", ".join(name for name in required if name not in properties):
            yield problem(path, _("%(names)s is required and is no property: add or remove it."), names=extra)
        for name, inner in properties.items():
            yield from self.walk(inner, f"{path}.{name}" if path else name)

    def reference(self, schema: dict[str, Any], path: str) -> Iterator[Problem]:
        """References into `$defs`, or to the whole."""
        ref = schema["$ref"]
        beside = set(schema) - {"$ref"} - (set() if path else AT_ROOT)
        if beside:
            text = _("beside $ref nothing else is taken: write %(names)s into what it refers to, or leave it out.")
            yield problem(path, text, names=", ".join(sorted(beside)))
        found = definition(self.root, ref)
        if found is None:
            text = _(
                "$ref points to something in $defs of this schema, such as #/$defs/Address, or is # for the whole; "
                "%(ref)s is neither."
            )
            yield problem(path, text, ref=ref[:100])
        elif ref not in self.seen:
            self.seen.add(ref)
            yield from self.walk(found, _path_of(ref))
