"""What the how-to shows is what happens, in a process that may open no socket."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import aiops.gateway.testing as stand_in
import aiops.testing as face
from aiops.testing.asked import Asked, Criteria

ROOT = Path(__file__).parents[2]
# What follows is about the provider behind HTTP.
TEXT = (ROOT / "docs/how-to/test-your-code.md").read_text().partition("\n## Over HTTP\n")[0]
CONFTEST, PYTEST, TEST_CASE = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)

KINDS = [
    name
    for name in face.__all__
    if name != "Reply" and isinstance(getattr(face, name), type) and issubclass(getattr(face, name), face.Reply)
]

NO_SOCKETS = """
import os
import socket
import sys

LEADS_SOMEWHERE = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname")


def refuse(event, arguments):
    # A loop of asyncio wakes itself through a pair of sockets of its own.
    own = arguments[1:2] == (socket.AF_UNIX,) and "test_case.py" in os.environ.get("PYTEST_CURRENT_TEST", "")
    if event in LEADS_SOMEWHERE or (event == "socket.__new__" and not own):
        raise RuntimeError(f"{event} {arguments}")


sys.addaudithook(refuse)
"""

SOCKET = """
import socket


def test_a_socket_is_noticed():
    socket.socket()
"""

OURS = """
import pytest
from aiops import OpenAITransportError, get_openai_client
from aiops.gateway.connections import get_connection

pytestmark = pytest.mark.django_db


def ask():
    try:
        get_openai_client().chat_completion("Hello")
    except OpenAITransportError:
        pass


def test_unscripted(openai_stand_in):
    ask()


@pytest.mark.openai_stand_in(leftovers="fail")
def test_leftover(openai_stand_in):
    openai_stand_in.reply_with("Nobody wants me.")


def test_wrong_by_itself(openai_stand_in):
    ask()
    assert 1 == 2


def test_settings_changed_besides(settings, openai_stand_in):
    settings.AIOPS = {**settings.AIOPS, "CACHE_TTL": 7}
    assert "in-process" in get_connection().base_url


def test_settings_undone():
    assert "in-process" not in get_connection().base_url
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What pytest says of tests in a shop of its own: all of it, and `PASSED`, `FAILED` or `ERROR` by test."""
    folder = tmp_path_factory.mktemp("shop")
    # SQLite: its tests need no server either.
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    environ.pop("DATABASE_URL", None)
    # There pytest says everything once more in its summary.
    environ.pop("CI", None)
    environ.pop("BUILD_NUMBER", None)
    folder.joinpath("conftest.py").write_text(NO_SOCKETS + CONFTEST)
    for name, text in {"pytest": PYTEST, "case": TEST_CASE, "socket": SOCKET, "ours": OURS}.items():
        folder.joinpath(f"test_{name}.py").write_text(text)
    folder.joinpath("pytest.ini").write_text("[pytest]\nfilterwarnings = error\naddopts = --strict-markers\n")
    arguments = ["-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-rA", "-c", "pytest.ini", "."]
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environ, capture_output=True, text=True)
    text = done.stdout + done.stderr
    return text, {name: word for word, name in re.findall(r"(?m)^(PASSED|FAILED|ERROR) (test_\w+\.py::\S+)", text)}


def ends(said, file):
    return [word for name, word in said[1].items() if name.startswith(f"test_{file}.py")]


def test_the_tests_with_pytest_pass_without_a_single_socket(said):
    assert ends(said, "pytest") == ["PASSED"] * 5, said[0]


def test_the_tests_with_a_test_case_pass_without_a_socket_that_leads_anywhere(said):
    assert ends(said, "case") == ["PASSED"] * 2, said[0]


def test_a_socket_would_have_been_noticed(said):
    assert ends(said, "socket") == ["FAILED"]
    assert "RuntimeError: socket.__new__" in said[0]


@pytest.mark.parametrize(
    ("test", "line"),
    [
        ("unscripted", "Nothing was scripted for these questions:"),
        ("leftover", "Nobody asked for these replies:"),
        ("wrong_by_itself", "assert 1 == 2"),
    ],
)
def test_what_goes_wrong_fails_the_test_itself_with_its_reason_alone(said, test, line):
    text, words = said
    assert words[f"test_ours.py::test_{test}"] == "FAILED"
    assert line in text
    assert text.count("Nothing was scripted for these questions:\n") == 1
    # Nothing is said a second time in the clean-up.
    assert "ERROR" not in words.values()


def test_settings_that_a_test_changes_besides_are_undone_in_order(said):
    words = [said[1][f"test_ours.py::test_settings_{what}"] for what in ("changed_besides", "undone")]
    assert words == ["PASSED", "PASSED"]


def test_every_name_of_a_question_and_of_a_criterion_is_told():
    told = set(re.findall(r"`(\w+)", TEXT))
    fields = {name for name, value in vars(Asked).items() if isinstance(value, property)} | {"connection"}
    assert fields - told == set()
    assert set(re.findall(r"(\w+)=…", TEXT)) == set(Criteria.__annotations__)


def test_every_kind_of_reply_is_in_the_how_to():
    assert {kind for kind in KINDS if f"`{kind}(" not in TEXT} == set()


def test_whatever_the_server_replies_the_provider_within_the_process_replies_too():
    kinds = [name for name in stand_in.__all__ if isinstance(getattr(stand_in, name), type)]
    assert {kind for kind in kinds if issubclass(getattr(stand_in, kind), face.Reply)} == {*KINDS, "Reply"}


def test_everything_that_is_public_is_there():
    assert [name for name in face.__all__ if not hasattr(face, name)] == []
