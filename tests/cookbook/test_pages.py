"""The cookbook as a whole: which pages there are, and what each of them has."""

import re
from pathlib import Path

import pytest

from tests.cookbook.pages import FOLDER, NAMES, recipe, text_of

TESTS = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))


def test_the_cookbook_lists_every_page_once():
    listed = re.findall(r"\]\(([a-z0-9-]+)\.md\)", (FOLDER / "README.md").read_text())
    assert sorted(listed) == NAMES
    assert len(NAMES) == 14


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_when_and_what_of_the_money_and_what_can_go_wrong(name):
    text = text_of(name)
    for word in ("When", "Money and log", "What can go wrong"):
        assert f"\n**{word}:** " in text
    assert recipe(name).__name__
    assert text.count("\n") < 120


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_run_by_a_test(name):
    assert f'recipe("{name}")' in TESTS
