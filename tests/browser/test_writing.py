"""An author writes a schema and a prompt; a lead puts it into production."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.steps import choose, expect_finished, fact, press_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TOPIC = {
    "type": "object",
    "properties": {"topic": {"type": "string", "enum": ["card", "cash", "other"]}},
    "required": ["topic"],
    "additionalProperties": False,
}
NO_SCHEMA = {"type": "object", "properties": {"topic": {"type": "text"}}}
LOOSE = {"type": "object", "properties": {"topic": {"type": "string"}}}


def save(page):
    page.get_by_role("button", name="Save", exact=True).press("Enter")


def write_schema(page, name):
    """A schema is added with a first version; a bad one is refused, each problem by its name."""
    page.goto("/admin/prompts/outputschema/add/")
    page.get_by_label("Name", exact=True).or_(page.get_by_label("Name:")).first.fill(name)
    page.get_by_label("Title").fill("Topic of a question")
    save(page)
    expect(page.get_by_text("Now write its first version.")).to_be_visible()
    body = page.get_by_label("JSON Schema")
    body.fill("{not json")
    save(page)
    expect(page.locator(".errorlist")).to_contain_text("line 1")
    assert body.input_value() == "{not json"
    body.fill(json.dumps(NO_SCHEMA))
    save(page)
    expect(page.locator(".errorlist li")).to_contain_text(["properties.topic.type: the type is one of string"])
    body.fill(json.dumps(LOOSE))
    save(page)
    complaints = page.locator(".errorlist")
    expect(complaints).to_contain_text("required")
    expect(complaints).to_contain_text("additionalProperties")
    body.fill(json.dumps(TOPIC))
    save(page)
    expect(page.get_by_text(f"{name} v1 was added.")).to_be_visible()


def add_prompt(page, name):
    """A prompt, and the page of its first version."""
    page.goto("/admin/prompts/prompt/add/")
    page.get_by_label("Name", exact=True).or_(page.get_by_label("Name:")).first.fill(name)
    page.get_by_label("Title").fill(f"Sort by topic ({name})")
    save(page)
    expect(page.get_by_text("Now write its first version.")).to_be_visible()


@pytest.mark.parametrize("lively", [True, False], ids=["with JavaScript", "without"])
def test_from_a_schema_to_production(visit, provider, lively):
    page = visit("author", java_script_enabled=lively)
    name = "topic-lively" if lively else "topic-plain"
    write_schema(page, name)
    add_prompt(page, name)

    rows = page.locator("[data-row]")
    rows.nth(0).locator("select").select_option("user")
    rows.nth(0).locator("textarea").fill("Question: {{ text }")
    page.get_by_label("Schema", exact=True).or_(page.get_by_label("Schema:")).first.select_option(label=f"{name} v1")
    save(page)
    # A broken template is refused, and what was written stays.
    expect(page.locator(".errorlist").first).to_be_visible()
    assert rows.nth(0).locator("textarea").input_value() == "Question: {{ text }"
    rows.nth(0).locator("textarea").fill("Question: {{ text }}")
    if lively:
        page.get_by_role("button", name="Add message").press("Enter")
        page.keyboard.type("You sort questions. Today: {{ topics }}")
        rows.nth(1).locator("select").select_option("system")
        rows.nth(1).get_by_role("button", name="Move up").press("Enter")
        page.get_by_role("button", name="Add message").press("Enter")
        page.keyboard.type("not meant")
        rows.nth(2).get_by_role("button", name="Remove").press("Enter")
    else:
        rows.nth(1).locator("select").select_option("system")
        rows.nth(1).locator("textarea").fill("You sort questions. Today: {{ topics }}")
        rows.nth(1).get_by_label("Place").fill("0.5")
    save(page)
    expect(page.get_by_text(f"{name} v1 was added.")).to_be_visible()
    expect(page.locator(".prompts-role")).to_have_text(["system", "user"])
    expect(page.locator("code.prompts-variable").first).to_be_visible()
    assert set(page.locator("code.prompts-variable").all_inner_texts()) == {"text", "topics"}
    # Whoever writes does not publish.
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)

    # The next version starts from the last.
    page.get_by_role("link", name="Add a version from this").click()
    assert page.locator("[data-row] textarea").nth(1).input_value() == "Question: {{ text }}"
    save(page)
    expect(page.locator(".errornote, .errorlist").first).to_be_visible()
    page.locator("[data-row] textarea").nth(0).fill("You sort questions.")
    page.get_by_label("Note").fill("Topics are in the schema.")
    save(page)
    expect(page.get_by_text(f"{name} v2 was added.")).to_be_visible()
    address = page.url

    lead = visit("lead", java_script_enabled=lively)
    lead.goto(address)
    lead.get_by_role("button", name="Publish").press("Enter")
    expect(lead.get_by_text("production → 2 now.")).to_be_visible()

    # From here on it is what a job asks.
    runner = visit("runner", java_script_enabled=lively)
    runner.goto("/admin/helpdesk/ticket/")
    runner.locator("#result_list tbody a").first.click()
    runner.get_by_role("link", name="Run a prompt…").click()
    choose(runner, prompt=name)
    press_run(runner)
    expect_finished(runner)
    expect(fact(runner, "version")).to_have_text(f"{name} v2")
    assert provider.requests[0].messages[0]["content"] == "You sort questions."
