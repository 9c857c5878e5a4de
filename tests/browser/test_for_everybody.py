"""Every page is for everybody: by keyboard, by ear, in the dark, on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from aiops.gateway.testing import Refusal
from tests.browser.pages import complaints, walk
from tests.browser.steps import choose, expect_finished, run_on_tickets, select_tickets, status

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_no_page_leaves_anybody_out(visit, provider):
    page = visit("admin")
    # Something of every kind to look at.
    provider.reply_with(Refusal("I would rather not."))
    run_on_tickets(page, 2)
    expect_finished(page)
    found, kinds = [], 0

    def look(what):
        for scheme, width in (("dark", 400), ("light", 1280)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            found.extend(f"{what}, {scheme}, {width} wide: {text}" for text in complaints(page))

    for address in walk(page):
        look(address)
        kinds += 1
    select_tickets(page, 2)
    look("the choices")
    choose(page)
    look("the quote")
    assert "\n".join(found) == ""
    assert kinds > 20


def test_a_job_is_run_by_keyboard_alone(visit, provider):
    page = visit("runner")
    page.goto("/admin/helpdesk/ticket/")

    def tab_to(locator):
        for _ in range(150):
            if locator.evaluate("node => node === document.activeElement"):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"The key Tab does not lead to {locator}.")

    for index in range(2):
        tab_to(page.locator("tbody .action-select").nth(index))
        page.keyboard.press("Space")
    # The actions come before the rows.
    page.get_by_label("Action:").focus()
    page.keyboard.type("Run a prompt")
    tab_to(page.locator("button[name=index]"))
    page.keyboard.press("Enter")
    tab_to(page.get_by_label("Prompt:"))
    page.keyboard.type("Triage a ticket (")
    tab_to(page.get_by_role("button", name="Show what it costs"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
    tab_to(page.get_by_role("button", name="Run on 2 rows"))
    page.keyboard.press("Enter")
    expect(status(page)).to_be_visible()
    expect_finished(page)
    assert len(provider.requests) == 2


def test_what_leaves_somebody_out_is_found(visit):
    page = visit("plain")
    page.goto("about:blank")
    page.set_content(
        """<html><body><div id="content"><h1>One</h1><h1>Two</h1><input><button></button><img src="data:,">
        <p id="x"></p><p id="x"></p><a href="/" tabindex="3">link</a><progress></progress>
        <p class="aiops-status">grey</p><div class="wide">wide</div></div></body></html>"""
    )
    page.add_style_tag(content=".aiops-status { color: #aaa } .wide { width: 5000px }")
    said = "\n".join(complaints(page))
    for text in (
        "no label: <input",
        "no name: <button",
        "an order of focus of its own",
        "nothing to say: <img",
        "nothing to say: <progress",
        "twice the id x",
        "2 headings of the first rank",
        "no language",
        "scrolls sideways",
        "faint (2.3)",
    ):
        assert text in said
