"""JSON in answers: found by a parser, whatever is around it, and never a piece of it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops.client.json_answer import TRIES, check_json, json_in
from aiops.gateway.plain_text import TooDeep

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
containers = values.filter(lambda value: isinstance(value, list | dict))
# What people and models write: any characters but those that JSON might begin with.
prose = st.text(st.characters(exclude_characters='[{"`~', codec="utf-8"), max_size=60)
remarks = st.sampled_from(["", " (as said above) ", "\n\nSee {or not}, ", " As in [see below]: ", " 7 of 9 {x} "])


def written(value, *, indent=None, ascii_only=True):
    return json.dumps(value, indent=indent, ensure_ascii=ascii_only)


@given(values, st.sampled_from([None, 2]), st.booleans())
def test_an_answer_that_is_nothing_but_json_is_taken_as_it_is(value, indent, ascii_only):
    text = written(value, indent=indent, ascii_only=ascii_only)
    assert json.loads(json_in(f"\ufeff \n{text}\n ")) == value


@given(values, st.sampled_from(["", "json", "JSON", "text"]), prose, remarks, prose)
def test_any_value_in_a_fence_is_found(value, kind, before, remark, after):
    answer = f"{before}{remark}\n```{kind}\n{written(value, indent=2)}\n```\n{remark}{after}"
    assert json.loads(json_in(answer)) == value


@given(containers, prose, remarks, prose)
def test_any_object_or_list_in_prose_is_found(value, before, remark, after):
    assert json.loads(json_in(f"Here: {before}{remark} {written(value)} {after}{remark}")) == value


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ('{"code": "```json\\n[1]\\n```"} Bye', {"code": "```json\n[1]\n```"}),
        ('The input was {"a": "long, and no answer"}.\n```json\n{"b": 1}\n```', {"b": 1}),
        ("Thinking.\n~~~\n[3]\n~~~", [3]),
        ("```json\n[3]", [3]),
        ('{"a": 1} and then [', {"a": 1}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ('[1] says: {"a": 1, "b": "}"}', {"a": 1, "b": "}"}),
    ],
)
def test_what_is_meant_is_found(answer, found):
    assert json.loads(json_in(answer)) == found


@pytest.mark.parametrize(
    "answer",
    [
        '{"items": [1, 2], "more": ',
        '{"items": [1, 2], "more": "and then',
        '{"items": [1, 2], "more": tru',
        "[[1], [2], [3",
        'As said in [1]: {"items": [1, 2',
        '{"items": [1, 2], }',
        "{'items': [1, 2]}",
        '{"items": [1, 2], // both\n "more": [3]}',
        '[{"a": \'b\', "c": [1]}, {"a": "b"}]',
        '```json\n{"items": [1, 2], "more": \n```',
        "I would rather not.",
        "",
    ],
)
def test_a_piece_of_json_is_no_answer(answer):
    assert json_in(answer) is None


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ('{"a": NaN}', "it is not JSON"),
        ('{"a": -Infinity}', "it is not JSON"),
        ('{"a": 1e999}', "it is not JSON"),
        ("[" * 100_000 + "]" * 100_000, "it is nested too deeply"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, "it is nested too deeply"),
        ("[" * 101 + "]" * 101, "it is nested too deeply"),
        ("[" + "1" * 5_000 + "]", "there is no JSON in it"),
    ],
)
def test_what_only_looks_like_json_is_refused_with_a_sentence(answer, problem):
    assert check_json()(answer) == (None, [problem])


def test_what_no_database_can_keep_is_shown_as_such():
    data, problems = check_json()('{"a": "x\\u0000y", "\\ud800": ["\\udfff"]}')
    assert (data, problems) == ({"a": "x\ufffdy", "\ufffd": ["\ufffd"]}, [])


@pytest.mark.parametrize(
    "noise",
    [
        "{" * 1_000_000,
        "[" * 1_000_000,
        "[1," * 300_000,
        '{"a":' * 200_000,
        '["' * 500_000,
        "[" * 900 + "1," * 400_000 + "x",
        "[" * 900 + "1," * 400_000,
        ("[" * 30 + "1," * 300 + "x") * 1_500,
        "```\n" * 200_000,
        "```\n[" * 200_000,
    ],
    ids=lambda noise: f"{noise[:12]!r}",
)
def test_a_megabyte_of_noise_is_read_once(noise):
    tries, read = 0, 0

    def counting(text, start):
        nonlocal tries, read
        tries += 1
        try:
            data, end = json.JSONDecoder().raw_decode(text, start)
        except json.JSONDecodeError as error:
            read += error.pos - start
            raise
        read += end - start
        return data, end

    with suppress(TooDeep):
        json_in(noise, decode=counting)
    assert tries <= 2 * TRIES + 1
    assert read <= 2 * len(noise)
