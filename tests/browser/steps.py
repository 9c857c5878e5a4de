"""What people do again and again: the steps that the stories are made of."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

TICKETS = "/admin/helpdesk/ticket/"
FINISH = 40_000
"""Milliseconds for a job of these stories to end, workers' start included, on a busy machine."""


def select_tickets(page: Page, number: int) -> None:
    """Tick the first tickets of the list and choose the action; ends on the page with the choices."""
    page.goto(TICKETS)
    if number == 50:
        page.locator("#action-toggle").check()
    else:
        for index in range(number):
            page.locator("tbody .action-select").nth(index).check()
    page.get_by_label("Action:").select_option(label="Run a prompt on selected tickets…")
    # Its text differs between versions of Django.
    page.locator("button[name=index]").click()
    expect(page.locator("h1, h2").get_by_text(f"Run a prompt on {number} ticket").first).to_be_visible()


def choose(page: Page, prompt: str = "triage-ticket", connection: str = "") -> None:
    """Choose a prompt and ask what it costs; ends on the quote."""
    page.get_by_label("Prompt", exact=True).or_(page.get_by_label("Prompt:")).first.select_option(prompt)
    page.get_by_label("Connection").select_option(connection)
    page.get_by_role("button", name="Show what it costs").click()
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()


def press_run(page: Page) -> int:
    """Run what was quoted; ends on the page of the job. Returns its number."""
    page.get_by_role("button", name=re.compile("^Run on ")).click()
    page.wait_for_url(re.compile(r"/admin/aiops/job/\d+/change/"))
    return job_of(page)


def job_of(page: Page) -> int:
    """Number of the job whose page is open."""
    found = re.search(r"/aiops/job/(\d+)/", page.url)
    assert found, page.url
    return int(found[1])


def run_on_tickets(page: Page, number: int, **choices: str) -> int:
    """All of the way from the list of tickets to a job."""
    select_tickets(page, number)
    choose(page, **choices)
    return press_run(page)


def status(page: Page):
    """The mark of the job whose page is open."""
    return page.locator(".aiops-head .aiops-status")


def expect_finished(page: Page) -> None:
    """Wait on the page of a job until it says by itself that it is over."""
    expect(status(page)).to_contain_text("finished", timeout=FINISH)


def count(page: Page, name: str):
    """The number under a name on the page of a job: `succeeded`, `failed`, …"""
    return page.locator("[data-aiops-live] dl > div").filter(has=page.locator("dt", has_text=name)).locator("dd")


def fact(page: Page, name: str):
    """What stands beside a name on one of our pages."""
    return page.locator("dl.aiops-facts > div").filter(has=page.get_by_text(name, exact=True)).locator("dd")
