"""Which files are looked at, and what becomes of those that cannot be."""

import os
from pathlib import Path

import pytest

import aiops
from aiops.compat.finder import find_openai_calls
from aiops.compat.finder.reading import LARGEST

CALL = "import openai\nopenai.files.list()\n"


def told(report):
    return [(one.path, one.why) for one in report.unread]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"import openai\ndef f(:\n", "is no valid Python: line 2"),
        (b"print 'openai'\n", "is no valid Python: line 1"),
        (b"import openai\nx = '\xe9'\n", "is not in the encoding utf-8"),
        (b"# coding: nonsense\nimport openai\n", "names no known encoding"),
        (b"# coding: ascii\nimport openai\nx = '\xc3\xa9'\n", "is not in the encoding ascii"),
        (b"\xef\xbb\xbf# coding: latin-1\nimport openai\n", "names no known encoding"),
        (CALL.encode("utf-16"), None),
        (b"#" * LARGEST + CALL.encode(), f"is larger than {LARGEST // 1_000_000} MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported_and_the_others_are_looked_at(look, shop, data, why):
    (shop / "broken.py").write_bytes(data)
    report = look({"shop.py": CALL})
    assert [one.path for one in report.findings] == ["shop.py"]
    assert told(report) == ([("broken.py", why)] if why else [])


def test_zeros_in_a_file_are_reported(look, shop):
    (shop / "broken.py").write_bytes(b"import openai\n\0\n")
    [(path, _why)] = told(look({"shop.py": CALL}))
    assert path == "broken.py"


@pytest.mark.parametrize(
    "text",
    [
        f"import openai\nx = {'(' * 150}openai.files.list(){')' * 150}\n",
        f"import openai\nx = {'-' * 5_000}1\nopenai.files.list()\n",
        f"import openai\nx = {' + '.join(['a'] * 5_000)}\nopenai.files.list()\n",
        f"import openai\nx = a{'.b' * 5_000}\nopenai.files.list()\n",
        f"import openai, requests\nrequests.get({' + '.join(['a'] * 3_000)})\nopenai.files.list()\n",
        f"import openai\ndef f(x: {' | '.join(['a'] * 3_000)}): x.y()\nopenai.files.list()\n",
        f"import openai\nx{'.b()' * 3_000}\nopenai.files.list()\n",
    ],
)
def test_what_is_nested_without_end_is_looked_at_or_reported(look, text):
    report = look({"deep.py": text, "shop.py": CALL})
    assert "shop.py" in [one.path for one in report.findings]
    assert ("deep.py" in [one.path for one in report.findings]) or [path for path, _ in told(report)] == ["deep.py"]


def test_a_backslash_too_many_in_the_shops_code_warns_nobody(look):
    assert told(look({"shop.py": CALL + r"x = '\d', 1 is 1" + "\n"})) == []


def test_a_broken_file_without_a_telling_word_is_nobodys_business(look):
    assert told(look({"broken.py": "def f(:\n"})) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "cp1252"])
def test_other_encodings_are_read_as_the_file_says(look, shop, encoding):
    head = "" if encoding == "utf-8-sig" else f"# -*- coding: {encoding} -*-\n"
    (shop / "old.py").write_bytes(
        f"{head}# Größe\nimport openai\nx = 'ä', openai.files.list(after='ö')\n".encode(encoding)
    )
    [found] = look({}).findings
    assert found.replacement == "get_openai_client().sdk.files.list(after='ö')"
    assert found.column == 9


def test_ends_of_lines_of_every_kind_are_counted_alike(look, shop):
    for number, end in enumerate((b"\n", b"\r\n", b"\r")):
        (shop / f"f{number}.py").write_bytes(end.join([b"import openai", b"", b"openai.files.list(a=1)", b""]))
    assert [(one.line, one.replacement[-4:-1]) for one in look({}).findings] == [(3, "a=1")] * 3


def test_links_that_lead_in_circles_or_nowhere_are_reported(look, shop):
    (shop / "app").mkdir()
    (shop / "app/round").symlink_to(shop, target_is_directory=True)
    (shop / "app/self.py").symlink_to("self.py")
    (shop / "app/gone.py").symlink_to("nowhere.py")
    report = look({"app/calls.py": CALL})
    assert [one.path for one in report.findings] == ["app/calls.py"]
    assert told(report) == [
        ("app/gone.py", "cannot be opened: No such file or directory"),
        ("app/round", "is a link to a folder that it lies in"),
        ("app/self.py", "cannot be opened: Too many levels of symbolic links"),
    ]


def test_a_link_to_a_folder_elsewhere_is_followed_once(look, shop, tmp_path_factory):
    there = tmp_path_factory.mktemp("there")
    (there / "calls.py").write_text(CALL)
    (shop / "first").symlink_to(there, target_is_directory=True)
    (shop / "second").symlink_to(there, target_is_directory=True)
    assert [one.path for one in look({}).findings] == ["first/calls.py"]


def test_a_pipe_is_not_waited_for(look, shop):
    os.mkfifo(shop / "pipe.py")
    assert told(look({"shop.py": CALL})) == [("pipe.py", "is no ordinary file")]


@pytest.mark.skipif(os.geteuid() == 0, reason="everything may be read by root")
def test_what_may_not_be_read_is_reported(look, shop):
    (shop / "secret.py").touch(0o000)
    assert told(look({"shop.py": CALL})) == [("secret.py", "cannot be opened: Permission denied")]


def test_what_is_not_the_shops_is_left_out(look, shop):
    (shop / "env").mkdir()
    (shop / "env/pyvenv.cfg").touch()
    (shop / "ours").symlink_to(Path(aiops.__file__).parent, target_is_directory=True)
    foreign = ("env/lib", "node_modules/x", "app/migrations", ".hidden", "lib/site-packages/x", "app/__pycache__")
    report = look({f"{folder}/calls.py": CALL for folder in foreign} | {"app/calls.py": CALL, "app/notes.txt": CALL})
    assert [one.path for one in report.findings] == ["app/calls.py"]
    assert report.files == 1


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("tests", ["a/b/c.py", "a/x.py"]),
        ("tests/", ["a/b/c.py", "a/x.py"]),
        ("a/*", ["tests/t.py"]),
        ("a/b", ["a/x.py", "tests/t.py"]),
        ("*.py", []),
        ("x.py", ["a/b/c.py", "tests/t.py"]),
        ("nothing", ["a/b/c.py", "a/x.py", "tests/t.py"]),
    ],
)
def test_what_is_excluded_is_left_out(look, pattern, left):
    report = look({"a/b/c.py": CALL, "a/x.py": CALL, "tests/t.py": CALL}, exclude=[pattern])
    assert [one.path for one in report.findings] == left


def test_a_file_that_is_named_is_looked_at_whatever_its_name_and_only_once(look, shop):
    look({"script": CALL, "app/migrations/0001_fill.py": CALL})
    report = find_openai_calls([shop / "script", shop / "script", shop / "app/migrations", shop])
    assert [one.path for one in report.findings] == ["app/migrations/0001_fill.py", "script"]
