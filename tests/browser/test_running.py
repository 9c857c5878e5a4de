"""A runner runs a prompt over tickets, and sees what came of it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from aiops.gateway.testing import Answer, Refusal
from tests.browser.pages import complaints
from tests.browser.steps import (
    choose,
    count,
    expect_finished,
    fact,
    job_of,
    press_run,
    run_on_tickets,
    select_tickets,
    status,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def everything(request):
    return True


def download(page, kind):
    """The results of the job whose page is open, as bytes."""
    with page.expect_download() as started:
        page.get_by_role("link", name=kind, exact=True).click()
    assert started.value.suggested_filename.endswith(f".{kind.lower()}")
    return Path(started.value.path()).read_bytes()


def test_from_the_list_to_the_answers(visit, provider):
    provider.when(everything, Answer(delay=0.4))
    page = visit("runner")
    select_tickets(page, 50)
    choose(page)
    # Before a cent is spent it is said what leaves, to whom, and what it costs.
    quote = page.locator(".aiops-page")
    expect(quote).to_contain_text("Triage a ticket, version 1")
    expect(quote.locator("tr", has_text="Fields that leave the building").locator("strong")).to_have_text("text")
    expect(quote).to_contain_text("the stand-in of the test")
    expect(quote).to_contain_text("50 rows of helpdesk.Ticket")
    expect(quote).to_contain_text("between $")
    expect(quote).to_contain_text("Everything")
    assert provider.requests == []

    press_run(page)
    expect(page.get_by_text("The job was started")).to_be_visible()
    page.evaluate("window.sameVisit = true")
    expect(status(page)).to_contain_text("running")
    # The numbers move on the page that is open.
    said = page.locator(".aiops-progress strong")
    before = said.inner_text()
    expect(said).not_to_have_text(before)
    assert 0 < page.locator(".aiops-progress progress").evaluate("bar => bar.value") < 50
    assert page.evaluate("window.sameVisit") is True
    assert complaints(page) == []
    expect(page.locator("[aria-live=polite]")).to_contain_text("of 50")
    expect(page.locator("[data-aiops-rows] tbody tr").first).to_contain_text("category")
    page.reload()
    expect(status(page)).to_contain_text("running")
    expect_finished(page)
    expect(said).to_have_text("50 of 50, 100 %")
    expect(count(page, "succeeded")).to_contain_text("50")
    assert len(provider.requests) == 50

    rows = list(csv.DictReader(io.StringIO(download(page, "CSV").decode("utf-8-sig"))))
    answers = json.loads(download(page, "JSON"))
    sheet = load_workbook(io.BytesIO(download(page, "XLSX"))).active
    assert (len(rows), len(answers), sheet.max_row) == (50, 50, 51)
    assert {row["category"] for row in rows} <= {"card", "cash", "payment", "transfer", "top_up", "account"}
    assert [row["category"] for row in rows] == [
        cell.value for cell in next(column for column in sheet.iter_cols() if column[0].value == "category")[1:]
    ]

    # Every number leads to its rows, every row to its call and its ticket.
    count(page, "succeeded").get_by_role("link").click()
    page.locator("#result_list tbody a").first.click()
    expect(page.get_by_role("heading", name="Answer")).to_be_visible()
    expect(page.locator("tr", has_text="category")).to_be_visible()
    item = page.url
    page.get_by_role("row").filter(has_text="gpt-6-luna").get_by_role("link").click()
    expect(fact(page, "model asked")).to_have_text("gpt-6-luna")
    expect(fact(page, "cost")).to_contain_text("$0.0")
    page.goto(item)
    page.locator("#content p", has_text="row:").get_by_role("link").click()
    expect(page.get_by_role("link", name="Run a prompt…")).to_be_visible()


def test_stopped_in_the_middle_and_resumed(visit, provider):
    provider.when(everything, Answer(delay=0.8))
    page = visit("runner")
    run_on_tickets(page, 30)
    expect(count(page, "succeeded")).not_to_contain_text(" 0")
    page.get_by_role("button", name="Stop").press("Enter")
    expect(page.get_by_text("The job is stopped")).to_be_visible()
    expect(status(page)).to_contain_text("stopped")
    # What is under way ends; nothing else begins.
    asked = settled(page, provider)
    assert 0 < asked < 30
    provider.reset()
    page.get_by_role("button", name="Resume").press("Enter")
    expect(page.get_by_text("The job goes on.")).to_be_visible()
    expect_finished(page)
    expect(count(page, "succeeded")).to_contain_text("30")
    assert asked + len(provider.requests) == 30


def settled(page, provider):
    """Requests that came in until no more did."""
    asked = -1
    while asked != len(provider.requests):
        asked = len(provider.requests)
        page.wait_for_timeout(600)
    return asked


def test_a_row_that_failed_says_why_and_is_tried_again(visit, provider):
    page = visit("runner")
    provider.reply_with(Refusal("I would rather not."))
    job = run_on_tickets(page, 8)
    expect_finished(page)
    expect(count(page, "succeeded")).to_contain_text("7")
    expect(count(page, "failed")).to_contain_text("1")
    failed = page.locator(".module", has=page.get_by_role("heading", name="Failed rows"))
    expect(failed).to_contain_text("refused:")
    expect(failed).to_contain_text("I would rather not.")
    failed.get_by_role("link", name="#").first.click()
    expect(page.locator(".aiops-error")).to_contain_text("The model declined")
    page.go_back()

    page.get_by_role("button", name="Retry failed").click()
    expect(page.get_by_text("1 failed row is tried again.")).to_be_visible()
    expect_finished(page)
    expect(count(page, "succeeded")).to_contain_text("8")
    expect(page.get_by_role("button", name="Retry failed")).to_have_count(0)
    assert job_of(page) == job
    assert len(provider.requests) == 9


def test_from_the_page_of_one_ticket(visit, provider):
    page = visit("runner")
    page.goto("/admin/helpdesk/ticket/")
    page.locator("#result_list tbody a").nth(2).click()
    page.get_by_role("link", name="Run a prompt…").click()
    choose(page)
    expect(page.get_by_role("button", name="Run on 1 row")).to_be_visible()
    press_run(page)
    expect_finished(page)
    expect(count(page, "succeeded")).to_contain_text("1")
    assert len(provider.requests) == 1


def test_without_javascript_the_page_of_a_job_reloads_itself(visit, provider):
    provider.when(everything, Answer(delay=0.9))
    page = visit("runner", java_script_enabled=False)
    run_on_tickets(page, 20)
    said = page.locator(".aiops-progress strong")
    before = said.inner_text()
    expect(said).not_to_have_text(before)
    expect(status(page)).to_contain_text("running")
    expect_finished(page)
    expect(said).to_have_text("20 of 20, 100 %")
    # Over is over: nothing asks any more.
    assert page.locator("meta[http-equiv=refresh]").count() == 0


def test_a_double_click_starts_one_job(visit, provider):
    page = visit("runner")
    select_tickets(page, 2)
    choose(page)
    page.get_by_role("button", name="Run on 2 rows").dblclick()
    page.wait_for_url("**/admin/aiops/job/*/change/")
    expect_finished(page)
    # Two jobs would have asked four times.
    page.wait_for_timeout(1000)
    assert len(provider.requests) == 2
