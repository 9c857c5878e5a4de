"""A runner runs a prompt over the rows of a file."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.steps import choose, count, expect_finished, press_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ADDRESS = "/admin/aiops/job/run-file/"


def file(text, encoding="utf-8"):
    return {"name": "questions.csv", "mimeType": "text/csv", "buffer": text.encode(encoding)}


def test_a_file_from_the_choice_to_its_answers(visit, provider):
    page = visit("runner")
    page.goto("/admin/aiops/job/")
    page.get_by_role("link", name="Run a prompt on a file").first.click()
    page.get_by_label("File").set_input_files(file("Text,Other\nWhere is my card?,a\nWo ist meine Kärtchen?,b\n"))
    choose(page)
    expect(page.locator(".aiops-page")).to_contain_text("2 rows of questions.csv")
    press_run(page)
    expect_finished(page)
    expect(count(page, "succeeded")).to_contain_text("2")
    assert sorted(request.messages[-1]["content"].splitlines()[-1] for request in provider.requests) == [
        "Where is my card?",
        "Wo ist meine Kärtchen?",
    ]


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (file("text\nKärtchen\n", "latin-1"), "UTF-8"),
        (file("question\nWhere is my card?\n"), "text"),
        (file("text\n"), "no rows"),
    ],
    ids=["wrong encoding", "no such column", "no rows"],
)
def test_a_bad_file_is_refused_with_a_sentence(visit, provider, bad, complaint):
    page = visit("runner")
    page.goto(ADDRESS)
    page.get_by_label("Prompt:").select_option("triage-ticket")
    page.get_by_label("File").set_input_files(bad)
    page.get_by_role("button", name="Show what it costs").click()
    expect(page.locator(".errornote")).to_have_text("Nothing was started and nothing was sent.")
    expect(page.locator(".errorlist")).to_contain_text(complaint)
    assert provider.requests == []
