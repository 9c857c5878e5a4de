"""The payer sets the wall, a job stands before it, and goes on when it is moved."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.steps import FINISH, choose, count, expect_finished, press_run, select_tickets, status

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def open_budget(page):
    page.goto("/admin/aiops/budget/")
    page.get_by_role("link", name="Everything", exact=True).click()


def set_cap(page, dollars):
    open_budget(page)
    page.get_by_label("Cap in dollars").fill(str(dollars))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def spent(page):
    """Dollars of the present period, as the page of the budget says them."""
    page.goto("/admin/aiops/budget/")
    return Decimal(page.locator(".field-spent").first.inner_text().strip().lstrip("$").replace(",", ""))


def test_a_job_stands_before_the_wall_until_it_is_moved(visit, provider):
    payer, runner = visit("payer"), visit("runner")
    try:
        # Room for some of the rows, not for all.
        set_cap(payer, spent(payer) + Decimal("0.0015"))
        select_tickets(runner, 50)
        choose(runner, connection="quick")
        expect(runner.locator(".aiops-page")).to_contain_text("may not be enough")
        press_run(runner)
        expect(status(runner)).to_contain_text("paused", timeout=FINISH)
        expect(runner.get_by_role("note")).to_contain_text("The budget “Everything” has $")
        assert len(provider.requests) < 50
    finally:
        set_cap(payer, 20)
    expect(payer.locator("#result_list")).to_contain_text("$20")
    open_budget(payer)
    payer.get_by_role("link", name="History").click()
    expect(payer.locator("#change-history")).to_contain_text("Changed the cap from $")
    # By itself, with the next tick.
    expect(status(runner)).to_contain_text("finished", timeout=150_000)
    expect_finished(runner)
    expect(count(runner, "succeeded")).to_contain_text("50")
    assert len(provider.requests) == 50


def test_a_cap_that_makes_no_sense_is_refused(visit):
    page = visit("payer")
    open_budget(page)
    page.get_by_label("Cap in dollars").fill("-1")
    page.locator("form#budget_form").evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".errorlist")).to_contain_text("greater than or equal to 0")
