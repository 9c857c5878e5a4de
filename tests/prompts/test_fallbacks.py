"""Whom a version asks instead: a part of its content, written in the admin and in files."""

import json

import pytest

from aiops.execution import fallbacks as asked_by
from prompts.errors import InvalidContent, Unchanged
from prompts.fallbacks import REASONS
from prompts.loading import load_prompts
from prompts.models import Prompt, PromptVersion

pytestmark = pytest.mark.django_db

MESSAGES = [{"role": "user", "content": "{{ text }}"}]
SPARE = {"connection": "local", "model": "", "on": ["transport", "rate"]}


@pytest.fixture
def prompt():
    return Prompt.objects.create(name="greet", title="Greet")


def test_the_reasons_are_those_that_calls_know():
    assert set(REASONS) == set(asked_by.REASONS)


def test_they_are_a_part_of_the_content(prompt):
    first = prompt.add_version(messages=MESSAGES)
    second = prompt.add_version(messages=MESSAGES, fallbacks=[SPARE])
    assert first.content_hash != second.content_hash
    assert PromptVersion.objects.get(pk=second.pk).is_intact
    with pytest.raises(Unchanged):
        prompt.add_version(messages=MESSAGES, fallbacks=[SPARE])
    second.fallbacks = []
    assert not second.is_intact


def test_versions_without_any_keep_the_hash_that_they_had_before_there_were_any(prompt):
    version = prompt.add_version(messages=MESSAGES)
    assert version.content_hash == "53df689c08f1fbc8149ebab6298c9938dfc73bdea862550539f8a013d5e8ebf9"


@pytest.mark.parametrize(
    ("fallbacks", "sentence"),
    [
        ([{"connection": "local"}], 'Fallback 1 is not of the form {"connection": …, "model": …, "on": […]}.'),
        ([SPARE, {**SPARE, "connection": ""}], "Fallback 2 names neither a connection nor a model: name one"),
        ([{**SPARE, "on": []}], "Fallback 1 has no reason: choose some of transport, rate, context, filter, schema."),
        ([{**SPARE, "on": ["weather"]}], 'Fallback 1 has the reason "weather": choose some of transport'),
        ([{**SPARE, "model": "x" * 129}], "Fallback 1: connection and model are texts of at most 64 and 128"),
        ([SPARE] * 6, "A version has at most 5 fallbacks."),
    ],
)
def test_another_shape_is_refused(prompt, fallbacks, sentence):
    with pytest.raises(InvalidContent) as caught:
        prompt.add_version(messages=MESSAGES, fallbacks=fallbacks)
    assert str(caught.value).startswith(sentence)


def test_they_are_loaded_from_a_file(tmp_path):
    (tmp_path / "prompts").mkdir()
    file = {"name": "greet", "title": "Greet", "messages": MESSAGES, "fallbacks": [SPARE]}
    (tmp_path / "prompts/greet.json").write_text(json.dumps(file))
    assert load_prompts(tmp_path).added == ["greet v1"]
    assert load_prompts(tmp_path).unchanged == ["greet v1"]
    assert PromptVersion.objects.get().fallbacks == [SPARE]


def posted(prompt, **more):
    return {
        "prompt": prompt.pk,
        "seen": "1",
        "messages-total": "1",
        "messages-1-role": "user",
        "messages-1-content": "{{ text }}",
        "output_limit": "1024",
        "parameters": "{}",
        **more,
    }


def test_they_are_written_in_the_admin_row_by_row(admin_client, prompt):
    prompt.add_version(messages=MESSAGES)
    add = f"/admin/prompts/promptversion/add/?prompt={prompt.pk}"
    html = admin_client.get(add).content.decode()
    assert 'name="fallbacks-2-connection"' in html and 'name="fallbacks-3-connection"' not in html
    rows = {
        "fallbacks-1-connection": "",
        "fallbacks-1-model": "",
        "fallbacks-1-on-rate": "1",
        "fallbacks-2-connection": "local",
        "fallbacks-2-model": " tiny ",
        "fallbacks-2-on-transport": "1",
        "fallbacks-2-on-schema": "1",
    }
    answer = admin_client.post(add, posted(prompt, **rows))
    assert answer.status_code == 302
    version = prompt.versions.get(number=2)
    assert version.fallbacks == [{"connection": "local", "model": "tiny", "on": ["transport", "schema"]}]
    page = admin_client.get(f"/admin/prompts/promptversion/{version.pk}/change/").content.decode()
    assert "local, tiny: it cannot be reached, or fails; its answer is not whole, or breaks the schema" in page
    again = admin_client.get(add).content.decode()
    assert '<option value="local" selected>' in again and 'value="tiny"' in again


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ({"fallbacks-1-connection": "gone", "fallbacks-1-on-rate": "1"}, "There is no connection &quot;gone&quot;"),
        ({"fallbacks-1-connection": "local"}, "Fallback 1 has no reason"),
    ],
)
def test_what_makes_no_sense_is_said_in_the_form(admin_client, prompt, rows, sentence):
    prompt.add_version(messages=MESSAGES)
    add = f"/admin/prompts/promptversion/add/?prompt={prompt.pk}"
    answer = admin_client.post(add, posted(prompt, **{"fallbacks-1-model": ""} | rows))
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert prompt.versions.count() == 1
