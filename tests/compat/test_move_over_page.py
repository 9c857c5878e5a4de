"""The page about moving over: every "before" is found, every "after" is code by the public names alone."""

import ast
import re
from pathlib import Path

import pytest

from aiops.compat.finder.kinds import KINDS
from aiops.compat.finder.lines import FILE_METHODS

PAGE = (Path(__file__).parents[2] / "docs/how-to/move-over.md").read_text(encoding="utf-8")
PUBLIC = {
    *("get_openai_client", "get_async_openai_client", "track_costs", "get_structured_completion", "get_client"),
    *("close_client", "OpenAITransportError", "OpenAISchemaValidationError"),
}
METHODS = {
    *("chat_completion", "chat_completion_json", "create_with_vision", "stream", "embed", "transcribe", "speak"),
    *("moderate", "upload_file", "download_file", "delete_file", "classify", "sdk"),
}
CLIENTS = {"get_openai_client", "get_async_openai_client"}


def blocks(word):
    """Heading → the block that follows this word below it."""
    sections = re.findall(r"(?ms)^## (.*?)\n(.*?)(?=^## |\Z)", PAGE)
    found = {title: re.findall(rf"(?ms)^{word}:\n\n```python\n(.*?)\n```$", text) for title, text in sections}
    return {title: texts[0] for title, texts in found.items() if texts}


BEFORE, AFTER = blocks("Before"), blocks("After")


def used_of_clients(tree):
    """Attributes of what the two functions give, called or kept under a name."""
    is_client = lambda node: isinstance(node, ast.Call) and getattr(node.func, "id", "") in CLIENTS  # noqa: E731
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    names = {node.targets[0].id for node in assigned if is_client(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (is_client(node.value) or getattr(node.value, "id", "") in names):
            yield node.attr


def test_each_pattern_has_both():
    assert list(BEFORE) == list(AFTER)
    assert len(BEFORE) > 15


@pytest.mark.parametrize("title", BEFORE)
def test_what_was_before_is_found_to_the_last_call(title, look):
    report = look({"shop.py": BEFORE[title]})
    assert report.findings
    assert list(report.unread) == []
    # Whatever takes its place has nothing left to be found.
    assert [one.what for one in look({"shop.py": AFTER[title]}).findings] == []


@pytest.mark.parametrize("title", AFTER)
def test_what_comes_after_compiles_and_uses_public_names_alone(title):
    tree = ast.parse(AFTER[title])
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "aiops"
        for alias in node.names
    }
    assert imported and imported <= PUBLIC
    assert set(used_of_clients(tree)) <= METHODS
    assert "openai" not in {getattr(node, "module", None) for node in ast.walk(tree)}


def test_the_page_shows_every_kind_that_is_found(look):
    shown = set()
    for text in BEFORE.values():
        shown |= {finding.kind.name for finding in look({"shop.py": text}).findings}
    # A key is not printed in any page; signals and pages are beside `save()`; the others are named as beside these.
    unshown = {"key", "in_signal", "in_get", "completion", "pacing"}
    assert set(KINDS) - shown == unshown


def test_lines_of_the_finder_use_methods_that_the_client_has(look):
    lines = [one.replacement for text in BEFORE.values() for one in look({"shop.py": text}).findings if one.replacement]
    for line in lines:
        tree = ast.parse(f"async def here():\n    {line.replace('…', 'filled_in')}")
        assert set(used_of_clients(tree)) <= METHODS, line
    assert set(FILE_METHODS.values()) <= METHODS
    assert len(lines) > 20
