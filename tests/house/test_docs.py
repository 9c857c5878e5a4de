"""What the docs show is there: commands, settings, and where links lead."""

import ast
import os
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from aiops.gateway.connections import connections
from aiops.options import options

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "fixtures/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if page.exists()]
TARGETS = set(re.findall(r"(?m)^([a-z]+):.*## ", (ROOT / "Makefile").read_text()))
names = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def commands(text):
    """Lines of the fenced `console` blocks that are typed: a prompt sign is left away, continued lines are joined."""
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        lines = block.replace("\\\n", " ").splitlines()
        typed = [line[2:] for line in lines if line.startswith("$ ")] or lines
        yield from (line.partition(" #")[0].strip() for line in typed if line.strip() and not line.startswith("#"))


def unknown(command):
    words = [word for word in command.split() if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    if words[0] == "make":
        return [word for word in words[1:] if word not in TARGETS]
    if "manage.py" in words:
        name = words[words.index("manage.py") + 1]
        return [] if name in get_commands() else [name]
    return []


@names
def test_every_command_in_the_docs_exists(page):
    assert [command for command in commands(page.read_text()) if unknown(command)] == []


def test_a_command_that_does_not_exist_is_found():
    text = "```console\n$ make tea\nteapot\n$ DEBUG=1 python manage.py brew --strong\n$ make test\n```"
    assert [unknown(command) for command in commands(text)] == [["tea"], ["brew"], []]


def test_the_two_commands_of_the_readme_are_there():
    assert {"make demo", "make serve"} <= set(commands((ROOT / "README.md").read_text()))


@names
def test_every_link_within_the_docs_leads_somewhere(page):
    links = re.findall(r"\]\((?!\w+:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def python_blocks():
    for page in PAGES:
        for number, text in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL), start=1):
            if re.search(r"(?m)^AIOPS = ", text):
                yield pytest.param(text, id=f"{page.relative_to(ROOT)} #{number}")


@pytest.mark.parametrize("text", list(python_blocks()))
def test_every_setting_that_is_shown_is_one_that_may_be_set(text, settings, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    tree = ast.parse(text)
    shown = [node for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "AIOPS"]
    names = {"os": os}
    exec(compile(ast.Module(shown, []), "docs", "exec"), names)
    settings.AIOPS = names["AIOPS"]
    assert set(connections()) == set(names["AIOPS"]["CONNECTIONS"])
    assert options().slice_seconds
