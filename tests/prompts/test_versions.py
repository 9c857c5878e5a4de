"""A version never changes, whichever door is tried, and numbers mean one wording for ever."""

# ruff: noqa: E501 - a table reads better with one row a line
from __future__ import annotations

import json
import threading
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.serializers import deserialize, serialize
from django.db import IntegrityError, close_old_connections, connection, transaction
from django.db.models import ProtectedError, RestrictedError, Value

from prompts.errors import ContentIsFixed, InvalidContent, Tampered, Unchanged
from prompts.models import LabelMove, OutputSchema, Prompt, PromptVersion, SchemaVersion

pytestmark = pytest.mark.django_db
OTHER = [{"role": "user", "content": "Something else"}]


def stored(version):
    return type(version).objects.values().get(pk=version.pk)


DOORS = {
    "save": lambda v: setattr(v, "model", "gpt-6") or v.save(),
    "save of one field": lambda v: setattr(v, "model", "gpt-6") or v.save(update_fields=["model"]),
    "save of a changed list": lambda v: v.messages.append(OTHER[0]) or v.save(),
    "save of a hash": lambda v: setattr(v, "content_hash", "0" * 64) or v.save(),
    "save under the same key": lambda v: PromptVersion(
        pk=v.pk, prompt=v.prompt, number=v.number, messages=OTHER
    ).save(),
    "save_base, as loaddata does": lambda v: setattr(v, "messages", OTHER) or v.save_base(raw=True),
    "update": lambda v: PromptVersion.objects.filter(pk=v.pk).update(messages=OTHER),
    "update with an expression": lambda v: PromptVersion.objects.update(model=Value("gpt-6")),
    "update of the key's column": lambda v: PromptVersion.objects.update(schema_id=None),
    "update of the number": lambda v: PromptVersion.objects.update(number=99),
    "update of the primary key": lambda v: PromptVersion.objects.update(pk=99),
    "update through the prompt": lambda v: v.prompt.versions.update(parameters={"seed": 1}),
    "update through the base manager": lambda v: PromptVersion._base_manager.update(output_limit=5),
    "update through the default manager": lambda v: PromptVersion._default_manager.all().update(output_limit=5),
    "bulk_update": lambda v: setattr(v, "model", "x") or PromptVersion.objects.bulk_update([v], ["model"]),
    "update_or_create": lambda v: PromptVersion.objects.update_or_create(pk=v.pk, defaults={"model": "x"}),
    "bulk_create over it": lambda v: PromptVersion.objects.bulk_create(
        [PromptVersion(prompt=v.prompt, number=v.number, messages=OTHER)],
        update_conflicts=True,
        update_fields=["messages"],
        unique_fields=["prompt", "number"],
    ),
    "moving it to another prompt": lambda v: Prompt.objects.create(name="b", title="B").versions.add(v),
    "taking its schema away": lambda v: v.schema.prompt_versions.clear(),
    "giving its schema others": lambda v: v.schema.prompt_versions.set([]),
}


@pytest.mark.parametrize("door", DOORS)
def test_no_door_of_the_orm_changes_a_version(triage, messages, schema_version, door):
    version = triage.add_version(messages=messages, schema=schema_version)
    before = stored(version)
    refusal = r"^Prompt version: [\w, ]+ never changes once saved; add a new version instead\.$"
    with pytest.raises(ContentIsFixed, match=refusal), transaction.atomic():
        DOORS[door](version)
    assert stored(version) == before


@pytest.mark.parametrize("field", sorted(SchemaVersion.fixed_fields))
def test_a_schema_version_does_not_change_either(schema_version, field):
    with pytest.raises(ContentIsFixed):
        SchemaVersion.objects.update(**{field: None})


def test_the_order_of_a_schemas_properties_is_content(schema, schema_version, body):
    turned = {**body, "properties": dict(reversed(body["properties"].items()))}
    schema_version.body = turned
    with pytest.raises(ContentIsFixed), transaction.atomic():
        schema_version.save()
    second = schema.add_version(turned)
    assert list(SchemaVersion.objects.get(pk=second.pk).body["properties"]) == ["confidence", "category", "reason"]


def test_a_schema_keeps_its_name_because_it_is_sent(schema):
    schema.name = "other"
    with pytest.raises(ContentIsFixed, match="add another schema instead"), transaction.atomic():
        schema.save()
    OutputSchema.objects.update(title="May change")


def test_the_note_may_change_and_a_user_may_go(triage, messages, django_user_model):
    user = django_user_model.objects.create_user("anna")
    version = triage.add_version(messages=messages, by=user)
    version.note = "Shorter reasons"
    version.save()
    user.delete()
    version = PromptVersion.objects.get(pk=version.pk)
    assert (version.note, version.created_by, version.is_intact) == ("Shorter reasons", None, True)


def test_loaddata_takes_what_dumpdata_gave_and_refuses_changed_content(version):
    dumped = serialize("json", [version.prompt, version])
    for row in deserialize("json", dumped):
        row.save()
    changed = json.loads(dumped)
    changed[1]["fields"]["messages"] = OTHER
    with pytest.raises(ContentIsFixed), transaction.atomic():
        [row.save() for row in deserialize("json", json.dumps(changed))]


def test_a_schema_goes_out_and_in_again_in_its_order(schema_version):
    dumped = serialize("json", [schema_version.schema, schema_version])
    schema_version.delete()
    for row in deserialize("json", dumped):
        row.save()
    again = SchemaVersion.objects.get()
    assert list(again.body["properties"]) == ["reason", "category", "confidence"]
    assert again.is_intact


def test_numbers_count_on_when_the_latest_is_deleted(triage, messages):
    triage.add_version(messages=messages)
    triage.add_version(messages=OTHER).delete()
    assert triage.add_version(messages=OTHER).number == 3


def test_the_same_content_again_is_refused_and_names_the_version(version, triage, messages):
    with pytest.raises(Unchanged, match=r"^triage-ticket v1 says exactly this already") as caught:
        triage.add_version(messages=messages, note="only the note differs")
    assert caught.value.version == version
    assert triage.add_version(messages=messages, parameters={"temperature": 0}).number == 2
    # What was said before the latest may be said again: that is how one goes back.
    assert triage.add_version(messages=messages).number == 3


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"note": "why"}, True),
        ({"parameters": {"b": 2.0, "a": 1}}, True),
        ({"parameters": {"a": 1, "b": 3}}, False),
        ({"model": "gpt-6"}, False),
        ({"connection": "local"}, False),
        ({"output_limit": 7}, False),
        ({"messages": [{"role": "developer", "content": "{{ text }}"}]}, False),
        ({"messages": [{"role": "user", "content": "{{ text }} "}]}, False),
    ],
)
def test_the_hash_covers_what_decides_the_answer_and_nothing_else(triage, change, same):
    base = {"messages": [{"role": "user", "content": "{{ text }}"}], "parameters": {"a": 1, "b": 2}}
    one = PromptVersion(prompt=triage, number=1, **base)
    other = PromptVersion(prompt=triage, number=2, **base | change)
    one.seal()
    other.seal()
    assert (one.content_hash == other.content_hash) is same


@pytest.mark.django_db(transaction=True)
def test_versions_added_at_once_get_numbers_of_their_own(triage):
    errors = []

    def add(n):
        try:
            Prompt.objects.get(pk=triage.pk).add_version(messages=[{"role": "user", "content": f"wording {n}"}])
        except Exception as error:
            errors.append(error)
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=add, args=(n,)) for n in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert errors == []
    assert sorted(triage.versions.values_list("number", flat=True)) == list(range(1, 9))


def test_the_database_itself_refuses_a_number_twice(version, triage):
    with pytest.raises(IntegrityError):
        PromptVersion.objects.create(prompt=triage, number=1, messages=OTHER)


@pytest.mark.parametrize("key", [None, 999])
def test_a_copy_under_another_key_is_checked_like_any_new_version(version, key):
    version.pk, version.number, version.messages = key, 2, [{"role": "user", "content": "{{ broken"}]
    with pytest.raises(InvalidContent, match="unexpected end of template"):
        version.save()
    assert PromptVersion.objects.count() == 1
    version.messages = OTHER
    version.save()
    assert PromptVersion.objects.get(number=2).is_intact


def test_a_version_without_a_number_is_told_the_door(triage):
    with pytest.raises(InvalidContent, match=r"prompt\.add_version"):
        PromptVersion.objects.create(prompt=triage, messages=OTHER)


def test_bulk_create_checks_and_hashes(triage):
    good = PromptVersion(prompt=triage, number=1, messages=OTHER)
    with pytest.raises(InvalidContent):
        PromptVersion.objects.bulk_create([good, PromptVersion(prompt=triage, number=2, messages=[])])
    assert not PromptVersion.objects.exists()
    PromptVersion.objects.bulk_create([good])
    assert PromptVersion.objects.get().is_intact
    # The next number is after those that came through this door.
    assert triage.add_version(messages=[{"role": "user", "content": "next"}]).number == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"messages": []}, "A version needs at least one message."),
        ({"messages": [{"role": "boss", "content": "x"}]}, 'Message 1 has the role "boss": choose one of system, developer, user, assistant.'),
        ({"messages": [{"role": "user", "content": " \n"}]}, "Message 1 (user) is empty: write something or remove it."),
        ({"messages": [{"role": "user"}]}, 'Message 1 is not of the form {"role": …, "content": …}.'),
        ({"messages": [{"role": "user", "content": "{{ a"}]}, "Message 1 (user): line 1: unexpected end of template, expected 'end of print statement'."),
        ({"messages": [{"role": "user", "content": "a\x00"}]}, "Message 1 (user): the template holds a NUL or half a character: remove it."),
        ({"messages": OTHER * 101}, "A version has at most 100 messages."),
        ({"messages": [{"role": "user", "content": "x" * 90_000}] * 3}, "The messages have 270,000 characters together: at most 200,000 are allowed; give long texts as variables."),
        ({"parameters": {"max_tokens": 5}}, '"max_tokens" does not belong in the parameters: use the field "output limit".'),
        ({"parameters": {"stream": True}}, '"stream" does not belong in the parameters: remove it.'),
        ({"parameters": {"x": float("nan")}}, "Parameters are plain JSON: no NaN, no infinity, nothing but text, numbers, lists and objects."),
        ({"parameters": {"stop": "\x00"}}, "Parameters hold a NUL or half a character: remove it."),
        ({"parameters": {"logit_bias": [{"a\ud800": 1}]}}, "Parameters hold a NUL or half a character: remove it."),
        ({"output_limit": 0}, "The output limit is a whole number of tokens from 1 to 1,000,000."),
        ({"output_limit": True}, "The output limit is a whole number of tokens from 1 to 1,000,000."),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_not_saved_and_said_in_a_sentence(triage, content, problem):
    with pytest.raises(InvalidContent) as caught:
        triage.add_version(**{"messages": OTHER} | content)
    assert caught.value.problems == [problem]
    assert not PromptVersion.objects.exists()
    assert Prompt.objects.get().last_number == 0


def test_parameters_may_hold_any_whole_character(triage):
    parameters = {"stop": ["😀", "é", "\\u0000", "名前"], "user": {"👩‍🚀": 1}}
    assert triage.add_version(messages=OTHER, parameters=parameters).parameters == parameters
    assert PromptVersion.objects.get().is_intact


def test_all_problems_are_named_at_once(triage):
    with pytest.raises(InvalidContent) as caught:
        triage.add_version(
            messages=[{"role": "x", "content": "y"}, {"role": "user", "content": "{% if %}"}], output_limit=-1
        )
    assert len(caught.value.problems) == 3


def test_what_is_in_use_is_not_deleted(triage, messages, schema_version):
    version = triage.add_version(messages=messages, schema=schema_version)
    version.publish()
    with pytest.raises(RestrictedError):
        version.delete()
    with pytest.raises(ProtectedError):
        schema_version.delete()
    with pytest.raises(ProtectedError):
        schema_version.schema.delete()
    # A prompt that nothing else needs takes all of it along.
    triage.delete()
    assert not PromptVersion.objects.exists()


def change_in_the_database(version, column, value):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {version._meta.db_table} SET {column} = %s WHERE id = %s", [value, version.pk])
    return type(version).objects.get(pk=version.pk)


def test_a_change_behind_the_back_shows_and_cannot_be_published(version):
    changed = change_in_the_database(version, "messages", json.dumps(OTHER))
    assert not changed.is_intact
    with pytest.raises(Tampered, match="triage-ticket v1 was changed outside the admin"):
        changed.publish()


def test_a_changed_schema_taints_the_version_that_asks_for_it(triage, messages, schema_version, body):
    version = triage.add_version(messages=messages, schema=schema_version)
    change_in_the_database(schema_version, "body", json.dumps({**body, "title": "Changed"}))
    assert not PromptVersion.objects.get(pk=version.pk).is_intact


def test_moving_a_label_is_recorded_with_before_and_after(triage, messages, django_user_model):
    anna = django_user_model.objects.create_user("anna")
    first, second = triage.add_version(messages=messages), triage.add_version(messages=OTHER)
    assert str(first.publish(by=anna)) == "production → 1"
    second.publish(by=anna)
    second.publish(by=anna)
    second.set_label("staging")
    assert list(LabelMove.objects.order_by("pk").values_list("name", "from_number", "to_number", "moved_by")) == [
        ("production", None, 1, anna.pk),
        ("production", 1, 2, anna.pk),
        ("staging", None, 2, None),
    ]


@pytest.mark.parametrize("name", ["7", "", "Production", "a b", "a@b", "x" * 51, "ok\n"])
def test_a_label_that_could_be_mistaken_is_refused(version, name):
    with pytest.raises(InvalidContent, match="is no name for a label"):
        version.set_label(name)


def check(*args):
    out = StringIO()
    code = 0
    try:
        call_command("check_prompts", *args, stdout=out)
    except SystemExit as end:
        code = end.code
    return code, out.getvalue()


def test_check_prompts_says_that_all_is_well(version, schema_version):
    version.publish()
    assert check() == (
        0,
        "1 prompt versions, 1 schema versions, 1 labels: all are what was saved, and can be used.\n",
    )


def test_check_prompts_names_what_was_changed(version, schema_version):
    version.publish()
    change_in_the_database(version, "messages", json.dumps([{"role": "user", "content": "{{ text"}]))
    change_in_the_database(schema_version, "body", '{"type": "array"')
    code, out = check()
    assert code == 1
    changed = "its content is not what was saved: add a version with the wording that is meant, and publish that."
    assert out == (
        f"triage-ticket v1: {changed}\n"
        "triage-ticket v1: Message 1 (user): line 1: unexpected end of template, expected 'end of print statement'.\n"
        f"ticket-triage v1: {changed}\n"
        'ticket-triage v1: A schema is a JSON object, such as {"type": "object", …}.\n'
        "triage-ticket@production: points to triage-ticket v1, which was changed.\n"
        "1 prompt versions, 1 schema versions, 1 labels: 5 problems.\n"
    )
    code, out = check("--json")
    assert code == 1
    assert [finding["about"] for finding in json.loads(out)["findings"]] == [
        "triage-ticket v1",
        "triage-ticket v1",
        "ticket-triage v1",
        "ticket-triage v1",
        "triage-ticket@production",
    ]
