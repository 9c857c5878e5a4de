"""A prompt is written, reordered and published in a real browser, with JavaScript and without."""

from __future__ import annotations

import asyncio

import pytest

from prompts.lookup import find_version
from prompts.models import Prompt, PromptVersion

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def triage(transactional_db):
    return Prompt.objects.create(name="triage-ticket", title="Triage a ticket")


@pytest.fixture
def drive(live_server, client, admin_user, chromium):
    """Runs a coroutine with a page that is signed in; fails when the browser complains."""
    client.force_login(admin_user)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}

    async def run(steps, options):
        from playwright.async_api import async_playwright

        complaints = []
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            )
            context = await browser.new_context(base_url=live_server.url, **options)
            context.set_default_timeout(15_000)
            await context.add_cookies([cookie])
            page = await context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
            await steps(page)
            await browser.close()
        assert [text for text in complaints if "404" not in text] == []

    return lambda steps, **options: asyncio.run(run(steps, options))


def contents(version):
    return [(message["role"], message["content"]) for message in version.messages]


def test_messages_are_added_moved_and_removed_by_keyboard(drive, triage):
    async def steps(page):
        await page.goto(f"/admin/prompts/promptversion/add/?prompt={triage.pk}")
        rows = page.locator("[data-row]")
        # The blank rows for pages without JavaScript are gone, and so are their places.
        assert await rows.count() == 1
        assert not await page.locator(".prompts-place").first.is_visible()
        await rows.nth(0).locator("textarea").fill("{{ text }}")
        await page.get_by_role("button", name="Add message").press("Enter")
        # The new row has the focus: typing goes on.
        await page.keyboard.type("Sort tickets.")
        await rows.nth(1).locator("select").select_option("system")
        await rows.nth(1).get_by_role("button", name="Move up").press("Enter")
        await page.get_by_role("button", name="Add example").click()
        assert await rows.count() == 4
        await rows.nth(1).locator("textarea").fill("My card is gone")
        await rows.nth(2).locator("textarea").fill("card")
        await page.get_by_role("button", name="Add message").click()
        await rows.nth(4).locator("textarea").fill("not meant")
        await rows.nth(4).get_by_role("button", name="Remove").click()
        assert await rows.nth(3).get_by_role("button", name="Move down").is_disabled()
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("v1 was added.").wait_for()
        await page.get_by_role("button", name="Publish").click()
        await page.get_by_text("production → 1 now.").wait_for()

    drive(steps)
    assert contents(find_version("triage-ticket")) == [
        ("system", "Sort tickets."),
        ("user", "My card is gone"),
        ("assistant", "card"),
        ("user", "{{ text }}"),
    ]


def test_a_refused_form_keeps_what_was_written_and_can_be_mended(drive, triage):
    async def steps(page):
        await page.goto(f"/admin/prompts/promptversion/add/?prompt={triage.pk}")
        await page.locator("[data-row] textarea").fill("{{ text")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("unexpected end of template").wait_for()
        assert await page.locator("[data-row]").count() == 1
        await page.locator("[data-row] textarea").fill("{{ text }}")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("v1 was added.").wait_for()

    drive(steps)
    assert contents(PromptVersion.objects.get()) == [("user", "{{ text }}")]


def test_it_works_without_javascript(drive, triage):
    triage.add_version(messages=[{"role": "user", "content": "{{ text }}"}])

    async def steps(page):
        await page.goto(f"/admin/prompts/prompt/{triage.pk}/change/")
        await page.get_by_role("link", name="Add version", exact=True).click()
        rows = page.locator("[data-row]")
        assert await rows.count() == 3
        assert await page.get_by_role("button", name="Add message").count() == 0
        await rows.nth(1).locator("select").select_option("system")
        await rows.nth(1).locator("textarea").fill("Sort tickets.")
        await rows.nth(1).get_by_label("Place").fill("0.5")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("v2 was added.").wait_for()
        await page.get_by_label("Point this label here:").fill("staging")
        await page.get_by_role("button", name="Publish").click()
        await page.get_by_text("staging → 2 now.").wait_for()

    drive(steps, java_script_enabled=False)
    assert contents(find_version("triage-ticket@staging")) == [("system", "Sort tickets."), ("user", "{{ text }}")]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (400, "light")])
def test_no_page_scrolls_sideways(drive, triage, width, scheme):
    version = triage.add_version(messages=[{"role": "user", "content": "word " * 200 + "w" * 300}], note="n" * 300)
    version.publish()

    async def steps(page):
        for address in (
            f"/admin/prompts/prompt/{triage.pk}/change/",
            f"/admin/prompts/promptversion/{version.pk}/change/",
            f"/admin/prompts/promptversion/add/?prompt={triage.pk}",
        ):
            await page.goto(address)
            over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, address

    drive(steps, viewport={"width": width, "height": 800}, color_scheme=scheme)
