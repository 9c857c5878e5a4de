"""What somebody may not do is not offered, and refused where it is tried by its address."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.steps import expect_finished, run_on_tickets

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_runner_reads_no_bodies_and_changes_no_log_and_a_reviewer_only_reads(visit, provider):
    page = visit("runner")
    job = run_on_tickets(page, 2)
    expect_finished(page)
    page.get_by_role("link", name="call", exact=True).first.click()
    call = page.url
    expect(page.get_by_text("is shown to those who have the permission")).to_be_visible()
    expect(page.get_by_role("heading", name="Messages")).to_have_count(0)
    expect(page.get_by_role("heading", name="Output")).to_have_count(0)
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    expect(page.get_by_role("link", name="Delete")).to_have_count(0)

    page.goto("/admin/aiops/call/")
    expect(page.get_by_role("link", name="Add call")).to_have_count(0)
    page.goto(f"/admin/aiops/job/{job}/change/")
    page.locator("dd", has_text="triage-ticket v1").get_by_role("link").click()
    expect(page.locator(".prompts-message").first).to_be_visible()
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)
    expect(page.get_by_role("link", name="Add a version from this")).to_have_count(0)
    for address in ("/admin/aiops/call/add/", "/admin/aiops/budget/", call.replace("/change/", "/delete/")):
        assert page.request.get(address).status == 403, address

    # A reviewer reads what was asked and answered, and presses nothing.
    reviewer = visit("reviewer")
    reviewer.goto(call)
    expect(reviewer.get_by_role("heading", name="Messages")).to_be_visible()
    expect(reviewer.get_by_role("heading", name="Output")).to_be_visible()
    reviewer.goto(f"/admin/aiops/job/{job}/change/")
    expect(reviewer.locator(".aiops-actions button")).to_have_count(0)
    reviewer.goto("/admin/aiops/job/")
    expect(reviewer.get_by_role("link", name="Run a prompt on a file")).to_have_count(0)
    token = next(cookie["value"] for cookie in reviewer.context.cookies() if cookie["name"] == "csrftoken")
    head = {"X-CSRFToken": token, "Referer": reviewer.url}
    for address in (f"/admin/aiops/job/{job}/stop/", f"/admin/aiops/job/{job}/retry/"):
        assert reviewer.request.post(address, headers=head).status == 403, address


def test_staff_without_permissions_see_none_of_it(visit):
    page = visit("plain")
    page.goto("/admin/")
    expect(page.locator("#content")).to_contain_text("You don’t have permission to view or edit anything.")
    for address in ("aiops/job/", "aiops/call/", "aiops/job/run-file/", "prompts/prompt/", "helpdesk/ticket/"):
        assert page.request.get(f"/admin/{address}").status == 403, address
