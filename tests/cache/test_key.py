"""The key: everything that decides the answer, and nothing else."""

import json
import math
import os
import subprocess
import sys
from dataclasses import fields, replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops.cache.key import INDIFFERENT, key_of
from aiops.gateway.connection import Connection
from aiops.gateway.request import Request
from tests.cache.conftest import question

HERE = Connection(alias="here", name="Here", model="gpt-6-luna", base_url="https://here.example/v1", api_key="secret-1")
SCHEMA = {"type": "object", "properties": {"why": {"type": "string"}, "what": {"type": "string"}}}


def key(request=None, connection=HERE, **options):
    return key_of(question() if request is None else request, connection, **options)


def other_than(value):
    """Something of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, dict):
        return {**value, "more": 1}
    if isinstance(value, tuple):
        return (*value, ("x", ()))
    if isinstance(value, list):
        return [*value, *value]
    return SCHEMA if value is None else f"{value}x"


def test_it_is_of_a_fixed_width():
    assert len(key()) == len(key(question("x" * 100_000))) == 64
    assert set(key()) <= set("0123456789abcdef")


@pytest.mark.parametrize("name", [field.name for field in fields(Request)])
def test_everything_that_is_asked_is_in_it(name):
    asked = question()
    changed = replace(asked, **{name: other_than(getattr(asked, name))})
    # The alias is what this site calls the place; the place itself is the connection's business. The other leads a
    # request to where its beginning was read before.
    assert (key(changed) == key(asked)) is (name in {"connection", "prompt_cache_key"})


@pytest.mark.parametrize("name", [field.name for field in fields(Connection)])
def test_of_the_connection_what_decides_the_answer_is_in_it(name):
    value = getattr(HERE, name)
    # What is None may be anything that has a hash, as a connection has one.
    changed = replace(HERE, **{name: 7 if value is None else other_than(value)})
    assert (key(connection=changed) == key()) is (name in INDIFFERENT)


def test_the_key_of_the_provider_is_not_in_it():
    assert {"api_key", "alias"} <= INDIFFERENT
    assert key(connection=replace(HERE, api_key=None)) == key()


def test_what_kind_of_thing_is_asked_for_is_in_it():
    assert key(operation="embedding") != key()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"temperature": 0, "seed": 1}, {"seed": 1, "temperature": 0}, True),
        ({"seed": 1}, {"seed": 1.0}, False),
        ({"seed": 1}, {"seed": True}, False),
        ({"seed": 1}, {"seed": "1"}, False),
        ({"seed": None}, {}, False),
        ({"stop": ["a", "b"]}, {"stop": ["b", "a"]}, False),
        ({"stop": ["a", "b"]}, {"stop": ("a", "b")}, True),
        ({"user": "é"}, {"user": "e\u0301"}, False),
        ({"temperature": 0.1 + 0.2}, {"temperature": 0.3}, False),
        ({"temperature": 0}, MappingProxyType({"temperature": 0}), True),
        # A model writes in the order in which it is asked to.
        (
            {"tools": [SCHEMA]},
            {"tools": [{**SCHEMA, "properties": dict(reversed(SCHEMA["properties"].items()))}]},
            False,
        ),
    ],
)
def test_which_parameters_are_the_same(one, other, same):
    assert (key(question(parameters=one)) == key(question(parameters=other))) is same


def test_the_order_of_names_matters_in_a_schema_and_not_in_a_message():
    turned = {**SCHEMA, "properties": dict(reversed(SCHEMA["properties"].items()))}
    assert key(question(schema=SCHEMA)) != key(question(schema=turned))
    message = {"role": "user", "content": [{"type": "text", "text": "Hello"}]}
    turned = {"content": [{"text": "Hello", "type": "text"}], "role": "user"}
    assert key(question(messages=[message])) == key(question(messages=(turned,)))


def test_two_parts_are_never_taken_for_one():
    parts = [("ab", ""), ("a", "b"), ("", "ab"), ('a","b', ""), ("a\0", "b"), ("a", "\0b")]
    messages = [[{"role": "user", "content": first}, {"role": "user", "content": second}] for first, second in parts]
    assert len({key(question(messages=each)) for each in messages}) == len(parts)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Halves of characters too: whatever a row holds.
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, JSON)
def test_two_contents_have_one_key_exactly_when_they_are_the_same_json(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    keys = [key(question(messages=[{"role": "user", "content": content}])) for content in (one, other)]
    assert (keys[0] == keys[1]) is same
    copy = json.loads(json.dumps(one))
    assert key(question(messages=[{"content": copy, "role": "user"}])) == keys[0]


@pytest.mark.parametrize("value", [math.nan, math.inf, b"bytes", object(), {1, 2}])
def test_what_could_not_be_sent_has_none(value):
    for asked in (question(parameters={"seed": value}), question(messages=[{"role": "user", "content": value}])):
        with pytest.raises((ValueError, TypeError)):
            key(asked)


COUNT = """
import django
django.setup()
from tests.cache.test_key import key, question, SCHEMA
print(key(question("\\u00e9 \\ud83d\\ude00 \\udc00", schema=SCHEMA, parameters={"temperature": 0.1, "top_p": 1e-7})))
"""


def test_it_is_the_same_in_every_process():
    def told(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        return subprocess.check_output([sys.executable, "-c", COUNT], env=environment)

    assert told("1") == told("2") != b""
