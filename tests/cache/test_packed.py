"""A completion in the database is the completion that came."""

import zlib
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops.cache.packed import MOST_BYTES, TooLarge, pack, unpack
from aiops.gateway.completion import Completion
from aiops.gateway.plain_text import storable
from aiops.gateway.usage import MOST_TOKENS, Usage
from tests.cache.conftest import completion

TEXT = st.text(st.characters(exclude_categories=()))
"""With NULs and halves of characters, though the gateway lets none through."""

TOKENS = st.integers(0, MOST_TOKENS)
USAGES = st.builds(Usage, **{field.name: TOKENS for field in fields(Usage)})
RAW = st.dictionaries(
    TEXT,
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.dictionaries(TEXT, st.integers())
    | st.lists(st.integers()),
)
COMPLETIONS = st.builds(
    Completion,
    text=TEXT,
    model=TEXT,
    finish_reason=TEXT,
    refusal=TEXT,
    usage=st.none() | USAGES,
    raw_usage=RAW,
    request_id=TEXT,
    first_byte_ms=st.none() | st.integers(0, 10**6),
    total_ms=st.none() | st.integers(0, 10**6),
)


@given(COMPLETIONS)
def test_nothing_is_lost_on_the_way_and_back(whole):
    back = unpack(pack(whole))
    assert back == whole
    assert {name: type(value) for name, value in back.raw_usage.items()} == {
        name: type(value) for name, value in whole.raw_usage.items()
    }


@given(TEXT)
def test_what_the_gateway_lets_through_can_be_kept_by_every_database_afterwards(text):
    back = unpack(pack(completion(storable(text))))
    assert back.text == storable(back.text)


def test_an_answer_takes_less_room_than_it_has_characters():
    assert len(pack(completion("The customer was charged twice and asks for a refund. " * 20))) < 300


def test_an_answer_of_ten_megabytes_is_not_kept():
    with pytest.raises(TooLarge):
        pack(completion("x" * 10_000_000))
    assert unpack(pack(completion("x" * (MOST_BYTES - 1000)))) is not None


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_what_is_no_json_is_not_kept(value):
    with pytest.raises((ValueError, TypeError)):
        pack(completion(raw_usage={"n": value}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        zlib.compress(b"no json"),
        zlib.compress(b"[]"),
        zlib.compress(b"{}"),
        zlib.compress(b'{"text":"Lima","model":"m"}'),
        zlib.compress(b'{"text":"Lima","model":"m","finish_reason":"stop","mood":"good"}'),
        zlib.compress(b'{"text":"Lima","model":"m","finish_reason":"stop","usage":{"hours":1}}'),
        zlib.compress(b'{"text":"Lima","model":"m","finish_reason":"stop","usage":3}'),
        zlib.compress(b"[" * 100_000),
        pack(completion())[:-8],
        pytest.param(
            zlib.compress(b'{"model":"m","finish_reason":"stop","text":"' + b"x" * 10_000_000 + b'"}'), id="a bomb"
        ),
    ],
)
def test_bytes_that_are_no_completion_are_none(body):
    assert unpack(body) is None


def test_one_that_was_kept_before_there_was_a_field_is_read_with_its_default():
    body = zlib.compress(b'{"text":"Lima","model":"m","finish_reason":"stop","usage":{"input_tokens":3}}')
    assert unpack(body) == Completion(text="Lima", model="m", finish_reason="stop", usage=Usage(input_tokens=3))
