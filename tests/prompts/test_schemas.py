"""A schema is strict and valid before it is saved; an answer is checked in sentences."""

# ruff: noqa: E501 - a table reads better with one row a line
from __future__ import annotations

import time

import pytest

from prompts.errors import InvalidSchema
from prompts.models import SchemaVersion
from prompts.schemas import problems_of, problems_of_schema
from prompts.schemas.validate import compiled

TEXT = {"type": "string"}


def of(properties, **more):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    } | more


def nested_in(body, levels):
    for _ in range(levels):
        body = of({"a": body})
    return body


def nested(levels):
    return nested_in(TEXT, levels)


def said(body):
    return [str(problem) for problem in problems_of_schema(body)]


FINE = {
    "types": of({"a": TEXT, "b": {"type": "integer", "minimum": 1}, "c": {"type": ["number", "null"]}, "d": {"type": "boolean"}}),
    "enum": of({"a": {"type": ["string", "integer", "null"], "enum": ["x", 1, None]}, "b": {"type": "string", "const": "y"}, "c": {"type": "string", "enum": ["x"], "description": "d"}, "d": {"type": ["string", "null"], "enum": ["x"], "const": "x"}}),
    "bounds": of({"a": {"type": "integer", "minimum": 3, "maximum": 3}, "b": {"type": "number", "exclusiveMinimum": 0, "maximum": 0.1}, "c": {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 3}, "d": {"type": "integer", "minimum": 1, "maximum": 10, "multipleOf": 5}}),
    "groups": of({"a": {"type": "string", "pattern": r"^(?:\(?!|[(?=]x|\\\\1)+(?i:a)?$"}}),
    "array": of({"a": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 3}}),
    "anyOf": of({"a": {"anyOf": [TEXT, of({"b": TEXT}), {"type": "null"}]}}),
    "pattern and format": of({"a": {"type": "string", "pattern": "^[a-z]+$"}, "b": {"type": "string", "format": "date"}}),
    "references": of({"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/$defs/A"}}, **{"$defs": {"A": of({"x": TEXT})}}),
    "dialect": of({"a": TEXT}, **{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "T"}),
    "itself": of({"name": TEXT, "parts": {"type": "array", "items": {"$ref": "#"}}}),
    "itself, or nothing": of({"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}),
    "round through definitions": of({"a": {"$ref": "#/$defs/A"}}, **{"$defs": {"A": of({"b": {"anyOf": [{"$ref": "#/$defs/B"}, TEXT]}}), "B": of({"a": {"$ref": "#/$defs/A"}, "all": {"type": ["object", "null"], "properties": {"x": {"$ref": "#"}}, "required": ["x"], "additionalProperties": False}})}}),
    "ten levels": None,
}  # fmt: skip


FINE["ten levels"] = nested(10)


@pytest.mark.parametrize("name", FINE)
def test_what_is_taken(name):
    assert said(FINE[name]) == []


PROBLEMS = [
    ([], 'A schema is a JSON object, such as {"type": "object", …}.'),
    ({"type": "array", "items": TEXT}, 'The root of the schema must be an object: {"type": "object", …}, without anyOf.'),
    ({"type": "objekt"}, "type: the type is one of string, number, integer, boolean, object, array, null, or a list of them."),
    (of({"a": {"type": "string", "pattern": "("}}), 'properties.a.pattern: cannot be used: "(" is not a "regex".'),
    (of({"a": {"type": "number", "minimum": "x"}}), 'properties.a.minimum: not valid JSON Schema 2020-12: "x" is not of type "number".'),
    (of({"a": TEXT}, additionalProperties=True), "an object needs additionalProperties: false."),
    (of({"a": of({"b": TEXT}, additionalProperties=TEXT)}), "a: an object needs additionalProperties: false."),
    (of({"a": TEXT, "b": TEXT}, required=["b"]), "every property must be required: add a, and allow null where it may be empty."),
    (of({"a": TEXT}, required=["a", "z"]), "z is required and is no property: add or remove it."),
    (of({"a": {}}), "a: has no type: give it one of string, number, integer, boolean, object, array, null."),
    (of({"a": True}), "a: true and false are no schemas here: give it a type."),
    (of({"a": {"type": "array"}}), "a: an array needs items: say what is in it."),
    (of({"a": {"type": "array", "items": {"type": "object", "additionalProperties": False}}}), "a[]: an object needs properties: name them; for open keys use an array of pairs."),
    (of({"a": {"type": "array", "items": TEXT, "uniqueItems": True}}), "a: uniqueItems is not taken: say it in the description."),
    (of({"a": {"type": "array", "prefixItems": [TEXT], "items": TEXT}}), "a: prefixItems is not taken: use an object with one named property for each place."),
    (of({"a": {"oneOf": [TEXT], "type": "string"}}), "a: oneOf is not taken: use anyOf."),
    (of({"a": TEXT}, allOf=[TEXT]), "allOf is not taken: write the properties out in one object."),
    (of({"a": {"type": "string", "not": {"const": "x"}}}), "a: not is not taken: say what is allowed instead, for instance with enum."),
    (of({"a": {"type": "string", "default": "x"}}), "a: default is not taken: require the property and allow null."),
    (of({"a": {"type": "string", "maxLength": 5}}), "a: maxLength is not taken: say it in the description."),
    (of({"a": {"type": "string", "minimum": 5}}), "a: minimum goes with the type number / integer."),
    (of({"a": {"type": "string", "x-order": 1}}), "a: x-order is not taken: remove it."),
    (of({"a": {"type": "string", "format": "uri"}}), "a: the format is one of date-time, time, date, duration, email, hostname, ipv4, ipv6, uuid."),
    (of({"a": of({"b": TEXT}, patternProperties={})}), "a: patternProperties is not taken: use an array of objects with a name and a value."),
    (of({"a": {"$ref": "https://example.com/a.json"}}), "a: $ref points to something in $defs of this schema, such as #/$defs/Address, or is # for the whole; https://example.com/a.json is neither."),
    (of({"a": {"$ref": "#/$defs/A/properties/b"}}, **{"$defs": {"A": of({"b": TEXT})}}), "a: $ref points to something in $defs of this schema, such as #/$defs/Address, or is # for the whole; #/$defs/A/properties/b is neither."),
    (of({"a": {"$ref": "#/$defs/A", "type": "string"}}, **{"$defs": {"A": TEXT}}), "a: beside $ref nothing else is taken: write type into what it refers to, or leave it out."),
    (of({"a": {"$ref": "#/$defs/A", "title": "A", "description": "again"}}, **{"$defs": {"A": TEXT}}), "a: beside $ref nothing else is taken: write description, title into what it refers to, or leave it out."),
    (of({"a": {"enum": ["x", "y"]}}), "a: has no type: give it one of string, number, integer, boolean, object, array, null."),
    (of({"a": {"const": "x"}}), "a: has no type: give it one of string, number, integer, boolean, object, array, null."),
    (of({"a": {"type": "string", "enum": []}}), "a: enum is empty: name the values that are allowed."),
    (of({"a": {"type": "string", "enum": ["x", 1, None]}}), "a: enum: 1 is not of the type string."),
    (of({"a": {"type": "string", "enum": ["x", 1, None]}}), "a: enum: null is not of the type string."),
    (of({"a": {"type": "string", "pattern": "^[a-z]+$", "enum": ["ok", "No"]}}), 'a: enum: "No" does not match ^[a-z]+$.'),
    (of({"a": {"type": "integer", "minimum": 1, "const": 0}}), "a: const: 0 is less than the minimum of 1."),
    (of({"a": {"type": "string", "enum": ["x"], "const": "y"}}), 'a: const: "y" is not in the enum.'),
    (of({"a": {"type": "integer", "minimum": 5, "maximum": 1}}), "a: minimum, maximum leave no number: widen them."),
    (of({"a": {"type": ["number", "null"], "exclusiveMinimum": 1, "maximum": 1}}), "a: exclusiveMinimum, maximum leave no number: widen them."),
    (of({"a": {"type": "integer", "minimum": 0.1, "maximum": 0.9}}), "a: minimum, maximum leave no number: widen them."),
    (of({"a": {"type": "integer", "minimum": 6, "maximum": 9, "multipleOf": 5}}), "a: minimum, maximum, multipleOf leave no number: widen them."),
    (of({"a": {"type": "array", "items": TEXT, "minItems": 5, "maxItems": 1}}), "a: minItems is above maxItems: swap them."),
    (of({"a": {"type": "string", "pattern": "^(?!x)a$"}}), "a: the pattern looks around or refers back ((?!), which is not taken: say it in the description."),
    (of({"a": {"type": "string", "pattern": "a(?<=b)"}}), "a: the pattern looks around or refers back ((?<=), which is not taken: say it in the description."),
    (of({"a": {"type": "string", "pattern": r"^(a)\1$"}}), r"a: the pattern looks around or refers back (\1), which is not taken: say it in the description."),
    (of({"a": {"$ref": "#/$defs/A"}}, **{"$defs": {"A": of({"b": {"$ref": "#/$defs/A"}})}}), "$defs.A: no answer comes to an end, for the references lead in a circle: allow null, or an array that may be empty, on the way."),
    (of({"a": {"type": "array", "items": {"$ref": "#"}, "minItems": 1}}), "no answer comes to an end, for the references lead in a circle: allow null, or an array that may be empty, on the way."),
    (of({"a": TEXT}, **{"$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"anyOf": [{"$ref": "#/$defs/A"}]}}}), "$defs.A: no answer comes to an end, for the references lead in a circle: allow null, or an array that may be empty, on the way."),
    (of({"a": {"type": "array", "items": {"$ref": "#/$defs/A"}}}, **{"$defs": {"A": nested_in({"$ref": "#"}, 10)}}), "a[].a.a.a.a.a.a.a.a.a: more than 10 levels deep: make it flatter."),
    (of({"a": TEXT}, **{"$defs": {"Unused": {}}}), "$defs.Unused: has no type: give it one of string, number, integer, boolean, object, array, null."),
    (nested(11), "a.a.a.a.a.a.a.a.a.a.a: more than 10 levels deep: make it flatter."),
    (of({"a": {"anyOf": [{"type": "string"}, {"oneOf": [TEXT]}]}}), "a<2>: oneOf is not taken: use anyOf."),
    (of({f"p{n}": TEXT for n in range(5001)}), "5,001 properties are too many: at most 5,000."),
    (of({"a": {"type": "integer", "enum": list(range(1001))}}), "1,001 enum values are too many: at most 1,000."),
    (of({"a": {"const": float("inf")}}), "The schema is no plain JSON: it holds NaN, infinity, or something that is no data."),
    (of({"a\x00": TEXT}), "The schema holds a NUL or half a character: remove it."),
    (of({"a": {"type": "string", "description": "x" * 200_000}}), "The schema has more than 200,000 characters."),
]  # fmt: skip


@pytest.mark.parametrize(("body", "sentence"), PROBLEMS, ids=[sentence[:50] for _body, sentence in PROBLEMS])
def test_each_problem_is_named_with_its_place(body, sentence):
    assert sentence in said(body)


def test_levels_are_counted_through_references():
    defs = {f"L{n}": of({"x": {"$ref": f"#/$defs/L{n + 1}"}}) for n in range(12)} | {"L12": TEXT}
    assert "more than 10 levels deep" in said(of({"a": {"$ref": "#/$defs/L0"}}, **{"$defs": defs}))[0]


@pytest.mark.parametrize(
    "body",
    [
        of({"a": {"$ref": "#/$defs/D0"}}, **{"$defs": {f"D{n}": {"$ref": f"#/$defs/D{n + 1}"} for n in range(3000)}}),
        of({"a": {"$ref": "#/$defs/D0"}}, **{"$defs": {f"D{n}": {"anyOf": [{"$ref": f"#/$defs/D{n + 1}"}] * 9} for n in range(40)} | {"D40": TEXT}}),
        nested(300),
        of({"a": {"type": "string", "pattern": "[" * 190_000}}),
    ],
    ids=["a long chain", "9 to the 40th", "deep", "a pattern that opens classes only"],
)  # fmt: skip
def test_a_huge_schema_is_judged_at_once(body):
    # Seconds of this process and no others': the machine may be busy.
    started = time.process_time()
    said(body)
    assert time.process_time() - started < 4


def test_saving_refuses_with_all_problems_at_once(schema):
    with pytest.raises(InvalidSchema) as caught:
        schema.add_version(of({"a": {"type": "string", "default": 1}, "b": {}}, additionalProperties=True))
    assert len(caught.value.problems) == 3
    assert not SchemaVersion.objects.exists()


@pytest.mark.parametrize(
    ("answer", "sentences"),
    [
        ({"reason": "r", "category": "refund", "confidence": 1}, []),
        ({"reason": "r", "category": "billing", "confidence": 1}, ['category: "billing" is not one of refund, card, transfer']),
        ({"category": "card", "confidence": 0.5}, ["reason is missing"]),
        ({"reason": 5, "category": "card", "confidence": 2}, ["reason: 5 is not of the type string", "confidence: 2 is greater than the maximum of 1"]),
        ({"reason": "r", "category": "card", "confidence": 1, "x": 1, "y": 2}, ["x, y is not asked for"]),
        (["x"], ['["x"] is not of the type object']),
        (None, ["null is not of the type object"]),
        ({"reason": "r", "category": "x" * 500, "confidence": 1}, ['category: "' + "x" * 58 + "… is not one of refund, card, transfer"]),
    ],
)  # fmt: skip
def test_an_answer_is_judged_in_short_sentences(body, answer, sentences):
    assert problems_of(body, answer) == sentences


def test_places_formats_patterns_and_choices_are_named():
    body = of({
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}},
        "day": {"type": "string", "format": "date"},
        "who": {"anyOf": [{"type": "null"}, of({"name": TEXT})]},
    })  # fmt: skip
    assert problems_of(body, {"tags": ["a", "B"], "day": "2026-13-01", "who": {}}) == [
        'tags[1]: "B" does not match ^[a-z]+$',
        'day: "2026-13-01" is no valid date',
        "who: {} fits none of the forms that are allowed",
    ]


def test_an_answer_nobody_could_check_is_refused_not_passed(body):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert problems_of(body, {"reason": deep, "category": "card", "confidence": 1})
    assert problems_of(body, {"reason": "r", "category": "\ud800", "confidence": 1}) == [
        "The answer holds half a character."
    ]
    assert (
        len(
            problems_of(
                {**body, "properties": {f"p{n}": TEXT for n in range(100)}, "required": [f"p{n}" for n in range(100)]},
                {},
            )
        )
        == 20
    )


def test_a_schema_is_compiled_for_its_first_answer_and_kept():
    body = of({f"p{n}": TEXT for n in range(30)})
    before = compiled.cache_info()
    for _ in range(3):
        assert problems_of(body, {}) == [f"p{n} is missing" for n in range(20)]
    after = compiled.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 2)
