"""A directory of prompts is loaded whole or not at all, and a second time changes nothing."""

# ruff: noqa: E501 - a table reads better with one row a line
from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from prompts.lookup import find_version
from prompts.models import LabelMove, OutputSchema, Prompt, PromptVersion, SchemaVersion

pytestmark = pytest.mark.django_db
SHIPPED = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
def put(tmp_path):
    def put(name, data):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())

    return put


@pytest.fixture
def triage_files(put, body):
    prompt = {
        "name": "triage-ticket",
        "title": "Triage a ticket",
        "description": "Sorts",
        "schema": "ticket-triage",
        "model": "",
        "connection": "",
        "parameters": {"temperature": 0},
        "output_limit": 200,
        "messages": [{"role": "user", "content": "{{ text }}"}],
        "labels": ["production"],
        "note": "First",
    }
    schema = {"name": "ticket-triage", "title": "Triage", "description": "", "body": body}
    put("prompts/triage.json", prompt)
    put("schemas/triage.json", schema)
    return prompt, schema


def load(directory, *args):
    out = StringIO()
    call_command("load_prompts", str(directory), *args, stdout=out)
    return out.getvalue()


def test_a_directory_is_loaded_and_the_second_time_changes_nothing(tmp_path, triage_files, django_user_model):
    anna = django_user_model.objects.create_user("anna")
    assert load(tmp_path, "--by", "anna") == (
        "added ticket-triage v1\nadded triage-ticket v1\ntriage-ticket: production → 1\n2 versions added, 0 unchanged.\n"
    )
    version = find_version("triage-ticket")
    assert (version.output_limit, version.parameters, version.note, version.created_by) == (
        200,
        {"temperature": 0},
        "First",
        anna,
    )
    assert list(version.schema.body["properties"]) == ["reason", "category", "confidence"]
    assert load(tmp_path) == "0 versions added, 2 unchanged.\n"
    assert LabelMove.objects.count() == 1


def test_changed_content_is_a_new_version_under_its_label(tmp_path, put, triage_files):
    load(tmp_path)
    put("prompts/triage.json", triage_files[0] | {"output_limit": 300, "title": "Sort a ticket"})
    assert load(tmp_path) == "added triage-ticket v2\ntriage-ticket: production → 2\n1 version added, 1 unchanged.\n"
    assert Prompt.objects.get().title == "Sort a ticket"


def test_what_people_have_written_since_stays(tmp_path, triage_files):
    load(tmp_path)
    prompt = Prompt.objects.get()
    prompt.add_version(messages=[{"role": "user", "content": "better {{ text }}"}]).publish()
    Prompt.objects.update(title="Their title")
    assert load(tmp_path) == "0 versions added, 2 unchanged.\n"
    assert (str(find_version("triage-ticket")), Prompt.objects.get().title) == ("triage-ticket v2", "Their title")


def test_a_schema_may_be_one_that_is_there_already(tmp_path, triage_files, schema_version):
    (tmp_path / "schemas/triage.json").unlink()
    load(tmp_path)
    assert find_version("triage-ticket").schema == schema_version


def prompt_with(**changes):
    return lambda prompt, schema: ("prompts/triage.json", prompt | changes)


def prompt_without(key):
    return lambda prompt, schema: ("prompts/triage.json", {k: v for k, v in prompt.items() if k != key})


def schema_with(**changes):
    return lambda prompt, schema: ("schemas/triage.json", schema | changes)


def raw(data):
    return lambda prompt, schema: ("prompts/triage.json", data)


BAD = [
    (raw(b"{"), "is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
    (raw(b"[]"), "must hold one JSON object: {…}."),
    (raw(b'{"name": "a", "name": "b"}'), 'is not JSON: "name" is there twice.'),
    (raw(b'{"name": NaN}'), "is not JSON: NaN is no number of JSON; write null."),
    (raw('{"name": "é"}'.encode("latin-1")), "is not UTF-8: save it as UTF-8."),
    (raw(b"[" * 200_000), "is not JSON: maximum recursion depth exceeded"),
    (raw(b" " * 5_000_001), "is larger than 5 MB: that is no prompt."),
    (prompt_without("messages"), ": messages is missing: add it."),
    (prompt_with(temprature=0), ": temprature is not known; remove it, or use one of: connection, description, fallbacks, labels, messages, model, name, note, output_limit, parameters, schema, title."),
    (prompt_with(output_limit="7"), ': "output_limit" must be a whole number.'),
    (prompt_with(output_limit=True), ': "output_limit" must be a whole number.'),
    (prompt_with(messages={}), ': "messages" must be a list.'),
    (prompt_with(messages=["x"]), ': Message 1 is not of the form {"role": …, "content": …}.'),
    (prompt_with(messages=[{"role": "user", "content": "{{ a"}]), ": Message 1 (user): line 1: unexpected end of template"),
    (prompt_with(labels=[1]), ': "labels" is a list of names, such as ["production"].'),
    (prompt_with(labels=["7"]), ': "7" is no name for a label'),
    (prompt_with(name="triage ticket"), ': the name "triage ticket" may have letters, digits, "-" and "_" only.'),
    (prompt_with(name="x" * 65), ": a name has at most 64 characters, a title 200."),
    (prompt_with(schema="triag"), ': there is no schema "triag": add a file for it. There is: ticket-triage.'),
    (prompt_with(parameters={"stream": True}), ': "stream" does not belong in the parameters: remove it.'),
    (schema_with(body={"type": "array"}), ': The root of the schema must be an object: {"type": "object", …}, without anyOf.'),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sentence"), BAD, ids=[sentence[:40] for _change, sentence in BAD])
def test_a_bad_file_is_named_and_nothing_is_half_made(tmp_path, put, triage_files, change, sentence):
    name, data = change(*triage_files)
    put(name, data)
    # A good one before and behind it in the alphabet.
    put("prompts/a.json", {"name": "a", "title": "A", "messages": [{"role": "user", "content": "a"}]})
    put("prompts/z.json", {"name": "z", "title": "Z", "messages": [{"role": "user", "content": "z"}]})
    with pytest.raises(CommandError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert sentence in str(caught.value)
    assert caught.value.returncode == 2
    assert [model.objects.count() for model in (Prompt, PromptVersion, OutputSchema, SchemaVersion)] == [0, 0, 0, 0]


def test_a_name_twice_names_both_files(tmp_path, put, triage_files):
    put("prompts/z.json", triage_files[0])
    with pytest.raises(
        CommandError, match=r'z\.json: the name "triage-ticket" is taken by .*triage\.json: give it another\.'
    ):
        load(tmp_path)


@pytest.mark.parametrize(
    ("directory", "sentence"),
    [("missing", "is no directory: name one that holds prompts/*.json."), (".", "holds neither prompts/*.json nor")],
)
def test_a_directory_without_prompts_is_refused(tmp_path, directory, sentence):
    with pytest.raises(CommandError) as caught:
        load(tmp_path / directory)
    assert sentence in str(caught.value)


def test_an_author_who_does_not_exist_is_refused(tmp_path, triage_files):
    with pytest.raises(CommandError, match=r'^There is no user "bert": create it, or leave --by out\.$'):
        load(tmp_path, "--by", "bert")


def test_the_prompts_that_are_shipped_load_and_are_sound():
    load(SHIPPED)
    call_command("check_prompts", stdout=StringIO())
    assert load(SHIPPED).startswith("0 versions added")
