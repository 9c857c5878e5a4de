"""What `find_openai_calls` prints, to the letter, and how it ends."""

import json

import pytest
from django.core.management import load_command_class

SUMMARIES = """\
import json
import time

from openai import OpenAI

client = OpenAI()


def summarise(ticket):
    for attempt in range(3):
        try:
            answer = client.chat.completions.create(model="gpt-4o", messages=ticket.messages, temperature=0)
            return json.loads(answer.choices[0].message.content)
        except Exception:
            time.sleep(1)
"""
VECTORS = """\
from summaries import client


def vectors(texts):
    return client.embeddings.create(model="text-embedding-3-small", input=texts)


def pictures(texts):
    return [client.images.generate(prompt=text) for text in texts], client.images.edit(prompt="x")
"""
LAST = "Each pattern before and after: docs/how-to/move-over.md\n"


@pytest.fixture
def code(shop):
    (shop / "summaries.py").write_text(SUMMARIES)
    (shop / "vectors.py").write_text(VECTORS)


def test_each_place_has_its_line_and_the_whole_its_sum(run, code):
    assert run(".") == (
        0,
        "summaries.py:6: own client: openai.OpenAI\n"
        "    → get_openai_client()\n"
        "    Its key and address belong into AIOPS['CONNECTIONS']; get_openai_client() takes its place.\n"
        "summaries.py:10: own retry: a loop that waits and asks again\n"
        "    Delete it: retries are the client's, which records each attempt and keeps one deadline over all.\n"
        "summaries.py:12: chat: chat.completions.create of openai.OpenAI\n"
        '    → get_openai_client().chat_completion(ticket.messages, model="gpt-4o", temperature=0)\n'
        "summaries.py:13: JSON of an answer: json.loads(…) of an answer\n"
        '    → get_openai_client().chat_completion_json(ticket.messages, model="gpt-4o", temperature=0)\n'
        "    chat_completion_json(messages) gives parsed data, whatever stands around the JSON.\n"
        "vectors.py:5: embeddings: embeddings.create of openai.OpenAI\n"
        '    → get_openai_client().embed(texts, model="text-embedding-3-small")\n'
        "vectors.py:9: images: images.generate of openai.OpenAI\n"
        "    → get_openai_client().sdk.images.generate(prompt=text)\n"
        "vectors.py:9: images: images.edit of openai.OpenAI\n"
        '    → get_openai_client().sdk.images.edit(prompt="x")\n'
        "4 calls in 2 files: 2 images, 1 chat, 1 embeddings\n"
        "3 places around them: 1 JSON of an answer, 1 own client, 1 own retry\n" + LAST,
        "",
    )


def test_one_file_and_one_call_are_counted_as_one(run, shop):
    (shop / "a.py").write_text("import openai\nopenai.images.generate(prompt='x')\n")
    assert run("a.py") == (
        0,
        "a.py:2: images: images.generate of openai\n"
        "    → get_openai_client().sdk.images.generate(prompt='x')\n"
        "1 call in 1 file: 1 images\n" + LAST,
        "",
    )


def test_where_there_is_nothing_that_is_said(run, shop):
    (shop / "a.py").write_text("x = 1\n")
    assert run(".") == (0, "Nothing in 1 file calls OpenAI itself.\n", "")
    (shop / "b.py").write_text("x = 1\n")
    assert run(".", "--fail") == (0, "Nothing in 2 files calls OpenAI itself.\n", "")


def test_for_a_check_it_ends_with_1_where_something_is_found(run, code):
    assert run(".", "--fail")[0] == 1
    assert run(".", "--fail", "--exclude", "summaries.py", "--exclude=vec*") == (
        0,
        "Nothing in 0 files calls OpenAI itself.\n",
        "",
    )


def test_a_file_that_cannot_be_read_is_said_apart_and_fails_a_check(run, shop):
    (shop / "a.py").write_text("import openai\ndef f(:\n")
    said = "Nothing in 1 file calls OpenAI itself.\n", "a.py is no valid Python: line 2.\n"
    assert run(".") == (0, *said)
    assert run(".", "--fail") == (1, *said)


def test_json_is_one_object_with_everything(run, shop):
    (shop / "a.py").write_text("import openai\nx = openai.beta.threads.create()\nopenai.images.edit(1)\n")
    (shop / "b.py").write_text("import openai\ndef f(:\n")
    code, out, err = run(".", "--json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    assert json.loads(out) == {
        "files": 2,
        "calls": 2,
        "findings": [
            {
                "path": "a.py",
                "line": 2,
                "column": 4,
                "kind": "assistants",
                "is_call": True,
                "what": "beta.threads.create of openai",
                "replacement": None,
                "advice": "OpenAI's Assistants API is gone since 2026-08-26, so that this call fails: keep the "
                "messages in your own database and ask with chat_completion(messages).",
            },
            {
                "path": "a.py",
                "line": 3,
                "column": 0,
                "kind": "images",
                "is_call": True,
                "what": "images.edit of openai",
                "replacement": "get_openai_client().sdk.images.edit(1)",
                "advice": None,
            },
        ],
        "unread": [{"path": "b.py", "why": "is no valid Python: line 2"}],
    }


def test_without_paths_the_apps_of_the_site_are_looked_at_and_call_nobody(run):
    code, out, err = run("--fail")
    assert (code, err) == (0, "")
    assert out.startswith("Nothing in ")


def test_apps_inside_apps_and_those_of_others_are_left_out(run, shop, settings):
    settings.BASE_DIR = shop
    assert run() == (
        2,
        "",
        "CommandError: No app of this site lies in its own folder: name the paths to look at.\n",
    )


@pytest.mark.parametrize("path", ["nowhere", "nowhere/at/all.py", "a\0b"])
def test_a_path_that_is_not_there_is_refused(run, shop, path):
    code, out, err = run(path)
    assert (code, out) == (2, "")
    assert err.startswith("CommandError: ") and err.count("\n") == 1


def test_a_path_that_is_not_there_is_named(run, shop):
    assert run("nowhere")[2] == "CommandError: nowhere cannot be opened: No such file or directory.\n"


def test_names_of_files_steer_no_terminal(run, shop):
    (shop / "a\x1b[31m.py").write_text("import openai\nopenai.files.list()\n")
    assert "\x1b" not in run(".")[1]


def test_help_has_examples_and_exit_codes():
    text = (
        load_command_class("aiops", "find_openai_calls").create_parser("manage.py", "find_openai_calls").format_help()
    )
    assert "  manage.py find_openai_calls --exclude tests --exclude 'shop/legacy/*'\n" in text
    assert "  1  with --fail: something was found, or a file that may hold something could not be read\n" in text
