"""What the stand-in answers to a schema is an instance of it."""

from __future__ import annotations

import json

import jsonschema_rs
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import OpenAI

from aiops.gateway.testing import StandIn

EMPLOYEE = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}

FORMATS = (
    "date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri", "uri-reference", "iri",
    "json-pointer", "regex",
)  # fmt: skip

SCHEMAS = {
    "object": {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    },
    "required but not described": {"type": "object", "required": ["a", "b"]},
    "least properties": {"type": "object", "minProperties": 3},
    "optional made up to the least": {
        "type": "object",
        "properties": {"a": {"type": "null"}, "b": {"type": "null"}},
        "additionalProperties": False,
        "minProperties": 2,
    },
    "described extras": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    "array": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 4},
    "long array": {"type": "array", "items": {"type": "boolean"}, "minItems": 40},
    "unique array": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 3},
    "tuple": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2},
    "contains": {"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 50}, "minItems": 1},
    "enum of anything": {"enum": [1, "two", None, {"three": 3}]},
    "const": {"const": {"version": 2}},
    "integer in a range": {"type": "integer", "minimum": 3, "maximum": 5},
    "integer in a range of fractions": {"type": "integer", "minimum": 2.5, "maximum": 3.5},
    "integer outside of nothing": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    "integer below": {"type": "integer", "maximum": -500},
    "integer above": {"type": "integer", "minimum": 10**12},
    "multiple": {"type": "integer", "multipleOf": 7, "minimum": 20},
    "number": {"type": "number", "minimum": 0, "maximum": 1},
    "narrow number": {"type": "number", "minimum": 0.5001, "maximum": 0.5002},
    "one number": {"type": "number", "minimum": 2, "maximum": 2},
    "open number": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "number by small steps": {"type": "number", "multipleOf": 0.01, "minimum": 0, "maximum": 1},
    "multiple of more than a hundred": {"type": "integer", "multipleOf": 250},
    "open multiple": {"type": "integer", "multipleOf": 10, "exclusiveMinimum": 10, "exclusiveMaximum": 30},
    "number by steps": {"type": "number", "multipleOf": 0.5, "minimum": 1, "maximum": 3},
    "short string": {"type": "string", "maxLength": 3},
    "empty string": {"type": "string", "maxLength": 0},
    "long string": {"type": "string", "minLength": 500, "maxLength": 501},
    "string of one length": {"type": "string", "minLength": 12, "maxLength": 12},
    "nullable": {"type": ["string", "null"]},
    "many types": {"type": ["integer", "boolean", "object"]},
    "anyOf": {"anyOf": [{"type": "integer", "minimum": 7}, {"type": "null"}]},
    "oneOf": {"oneOf": [{"type": "integer", "multipleOf": 2}, {"type": "integer", "multipleOf": 3}]},
    "allOf": {"allOf": [{"type": "integer", "minimum": 5}, {"maximum": 8}, {"minimum": 7}]},
    "allOf objects": {"allOf": [EMPLOYEE, {"properties": {"age": {"type": "integer"}}, "required": ["age"]}]},
    "allOf the same property": {
        "type": "object",
        "allOf": [
            {"properties": {"n": {"type": "integer", "minimum": 5}}, "required": ["n"]},
            {"properties": {"n": {"maximum": 6}}},
        ],
    },
    "siblings of anyOf": {
        "type": "object",
        "properties": {"kind": {"type": "string"}},
        "required": ["kind"],
        "anyOf": [
            {"properties": {"kind": {"const": "a"}, "a": {"type": "integer"}}, "required": ["a"]},
            {"properties": {"kind": {"const": "b"}, "b": {"type": "string"}}, "required": ["b"]},
        ],
    },
    "allOf anything": {"allOf": [{"type": "integer"}, True, {}]},
    "allOf enums": {"allOf": [{"enum": [1, 2, 3]}, {"enum": [3, 4]}]},
    "two choices": {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "integer", "maximum": 0}],
        "allOf": [{"anyOf": [{"minimum": 5}, {"maximum": -5}]}],
    },
    "null only": {"type": ["null"]},
    "not": {"type": "integer", "minimum": 0, "maximum": 3, "not": {"const": 2}},
    "if": {
        "type": "object",
        "properties": {"urgent": {"type": "boolean"}, "why": {"type": "string"}},
        "required": ["urgent"],
        "if": {"properties": {"urgent": {"const": True}}},
        "then": {"required": ["why"]},
    },
    "reference": {"$defs": {"e": EMPLOYEE}, "type": "array", "items": {"$ref": "#/$defs/e"}, "minItems": 1},
    "reference with siblings": {
        "$defs": {"n": {"type": "integer", "minimum": 3}},
        "properties": {"n": {"$ref": "#/$defs/n", "maximum": 4}},
        "type": "object",
        "required": ["n"],
    },
    "reference by an escaped name": {"$defs": {"a/b~c": {"const": 1}}, "$ref": "#/$defs/a~1b~0c"},
    "tree": {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["name", "children"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/node",
    },
    "list without end": {
        "type": "object",
        "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["value", "next"],
        "additionalProperties": False,
    },
    "expression, the way round named first": {
        "$defs": {
            "sum": {
                "type": "object",
                "properties": {"left": {"$ref": "#/$defs/term"}, "right": {"$ref": "#/$defs/term"}},
                "required": ["left", "right"],
                "additionalProperties": False,
            },
            "term": {"anyOf": [{"$ref": "#/$defs/sum"}, {"$ref": "#/$defs/product"}, {"$ref": "#/$defs/number"}]},
            "product": {
                "type": "object",
                "properties": {"factors": {"type": "array", "items": {"$ref": "#/$defs/term"}, "minItems": 2}},
                "required": ["factors"],
                "additionalProperties": False,
            },
            "number": {"type": "object", "properties": {"value": {"type": "number"}}, "required": ["value"]},
        },
        "type": "object",
        "properties": {"terms": {"type": "array", "items": {"$ref": "#/$defs/term"}, "minItems": 12}},
        "required": ["terms"],
        "additionalProperties": False,
    },
    "type by its keywords": {"properties": {"n": {"minimum": 5}}, "required": ["n"]},
    "anything": {},
    **{name: {"type": "string", "format": name} for name in FORMATS},
    **{
        f"pattern {pattern}": {"type": "string", "pattern": pattern}
        for pattern in (
            r"^[A-Z]{3}-\d{4}$",
            r"^(low|normal|high)$",
            r"^\+?[1-9]\d{1,14}$",
            r"^[a-z]{2}(-[A-Z]{2})?$",
            r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
            r"^#[0-9a-fA-F]{6}$",
            r"^(?:\d{1,3}\.){3}\d{1,3}$",
            r"^\w+(?:\s\w+)*?$",
            r"^\u0041\x42[\]\-a]$",
            r"^a{0}b.\D\S\W$",
            "abc",
        )
    },
    "pattern with a length": {"type": "string", "pattern": "^[a-z]+$", "minLength": 20, "maxLength": 40},
}


@pytest.fixture(scope="module")
def stand_in():
    with StandIn(seed=3, keep_requests=False) as provider:
        yield provider


@pytest.fixture(scope="module")
def client(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="any", max_retries=0) as client:
        yield client


def answer(client, schema, text="Ticket 1"):
    response_format = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    said = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": text}], response_format=response_format
    )
    return json.loads(said.choices[0].message.content)


@pytest.mark.parametrize("schema", [pytest.param(schema, id=name) for name, schema in SCHEMAS.items()])
def test_an_answer_is_valid_against_its_schema(client, schema):
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    for number in range(8):
        validator.validate(answer(client, schema, f"Ticket {number}"))


def test_answers_vary_over_all_that_is_allowed(client):
    schema = {
        "type": "object",
        "properties": {"category": {"enum": ["card", "refund", "other"]}, "note": {"type": ["string", "null"]}},
        "required": ["category", "note"],
    }
    answers = [answer(client, schema, f"Ticket {number}") for number in range(100)]
    assert {given["category"] for given in answers} == {"card", "refund", "other"}
    assert {type(given["note"]) for given in answers} == {str, type(None)}


def test_any_json_is_an_object(client):
    said = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "x"}], response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(said.choices[0].message.content), dict)


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ({"type": "integer", "minimum": 5, "maximum": 4}, "asks for what cannot be"),
        ({"allOf": [{"enum": [1]}, {"enum": [2]}]}, "asks for what cannot be"),
        ({"type": "string", "not": {}}, "found no answer that this schema accepts"),
        ({"type": "object", "properties": {"a": False}, "required": ["a"]}, "accepts nothing"),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "refers to itself without an end"),
        ({"$ref": "#"}, "refers to itself without an end"),
        ({"type": "string", "pattern": "^(?=a)a$"}, "does not understand the pattern"),
        ({"type": "string", "pattern": r"^\p{L}+$"}, "does not understand the pattern"),
        ({"type": "string", "pattern": r"^(a)\1$"}, "does not understand the pattern"),
        ({"type": "number", "minimum": 5, "exclusiveMaximum": 5}, "asks for what cannot be"),
        ({"allOf": [{"type": "string"}, False]}, "accepts nothing"),
        ({"$ref": "https://example.com/other.json"}, "is not valid"),
        ({"$ref": "#/$defs/none"}, "is not valid"),
        ({"type": "strange"}, "is not valid"),
        ({"type": "string", "pattern": "("}, "is not valid"),
    ],
)
def test_a_schema_without_an_answer_is_refused_in_words(client, schema, sentence):
    with pytest.raises(openai.BadRequestError, match=sentence) as caught:
        answer(client, schema)
    assert caught.value.code == "stand_in_schema"


def _integers():
    return st.tuples(st.integers(-1000, 1000), st.integers(0, 1000)).map(
        lambda ends: {"type": "integer", "minimum": ends[0], "maximum": sum(ends)}
    )


def _numbers():
    return st.tuples(st.floats(-100, 100), st.floats(0, 100)).map(
        lambda ends: {"type": "number", "minimum": ends[0], "maximum": sum(ends)}
    )


def _strings():
    lengths = st.tuples(st.integers(0, 30), st.integers(0, 30))
    bounded = lengths.map(lambda ends: {"type": "string", "minLength": ends[0], "maxLength": sum(ends)})
    return bounded | st.sampled_from(["date", "email", "uuid", "uri"]).map(
        lambda name: {"type": "string", "format": name}
    )


def _enums():
    values = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=8))
    return st.lists(values, min_size=1, max_size=5).map(lambda values: {"enum": values}) | values.map(
        lambda value: {"const": value}
    )


def _within(inner):
    names = st.text("abcdefgh _-é", min_size=1, max_size=6)
    objects = st.dictionaries(names, inner, max_size=4).flatmap(
        lambda properties: st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.just(properties),
                "required": st.lists(st.sampled_from(sorted(properties)), unique=True) if properties else st.just([]),
                "additionalProperties": st.booleans(),
            }
        )
    )
    arrays = st.tuples(inner, st.integers(0, 3), st.integers(0, 3)).map(
        lambda given: {"type": "array", "items": given[0], "minItems": given[1], "maxItems": given[1] + given[2]}
    )
    choices = st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches})
    return objects | arrays | choices


_LEAVES = _integers() | _numbers() | _strings() | _enums() | st.sampled_from([{"type": "boolean"}, {"type": "null"}])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schema=st.recursive(_LEAVES, _within, max_leaves=12), text=st.text(max_size=20))
def test_whatever_the_schema_the_answer_is_valid(client, schema, text):
    instance = answer(client, schema, text)
    assert jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(instance)
