"""The strict Content-Security-Policy stops nothing that the pages themselves need."""

import asyncio

import pytest

from tests.house.walk import addresses

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def rows(admin_user, provider):
    from io import BytesIO

    from aiops.execution.answer import answer
    from aiops.jobs.sources import FileSource
    from aiops.jobs.start import start_job
    from prompts.models import OutputSchema, Prompt

    prompt = Prompt.objects.create(name="triage", title="Triage")
    version = prompt.add_version(messages=[{"role": "user", "content": "{{ text }}"}], by=admin_user)
    OutputSchema.objects.create(name="topic", title="Topic").add_version(
        {
            "type": "object",
            "properties": {"topic": {"type": "string"}},
            "required": ["topic"],
            "additionalProperties": False,
        }
    )
    answer(version, {"text": "<script>alert(1)</script>"}, user=admin_user)
    start_job(version, FileSource(BytesIO(b"text\nhello\n"), name="rows.csv"), user=admin_user)


async def visit(chromium, root, cookie, pages):
    """What the browser complains about, by page."""
    from playwright.async_api import async_playwright

    complaints, console = [], []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        context = await browser.new_context()
        await context.add_cookies([{"name": "sessionid", "value": cookie, "url": root}])
        page = await context.new_page()
        page.on("console", lambda message: console.append(message))
        page.on("pageerror", lambda error: complaints.append((page.url, str(error))))
        page.on("requestfailed", lambda request: complaints.append((page.url, f"{request.url}: {request.failure}")))
        for address in pages:
            response = await page.goto(root + address, wait_until="load")
            assert response.status == 200, address
        await browser.close()
    complaints += [(message.location["url"], message.text) for message in console if message.type == "error"]
    # Which picture stands for the site is the shop's own business; going on to the next page breaks off the pictures of
    # the last one. What the policy stops is said in the console and fails with a reason of its own.
    return [
        (url, text)
        for url, text in complaints
        if not url.endswith("/favicon.ico") and not text.endswith("net::ERR_ABORTED")
    ]


def test_no_page_of_the_admin_breaks_the_policy(live_server, rows, client, admin_user, chromium):
    client.force_login(admin_user)
    cookie = client.cookies["sessionid"].value
    pages = list(dict.fromkeys(addresses({"prompts", "aiops", "helpdesk", "django_q", "auth"})))
    assert len(pages) > 20
    complaints = asyncio.run(visit(chromium, live_server.url, cookie, pages))
    assert complaints == []


def test_a_page_that_breaks_the_policy_is_found(live_server, client, admin_user, chromium, settings, tmp_path):
    page = tmp_path / "admin/login.html"
    page.parent.mkdir()
    page.write_text("<p style='color: red'>red</p><script>document.title = 'run'</script>")
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [tmp_path]}]
    complaints = asyncio.run(visit(chromium, live_server.url, "none", ["/admin/login/"]))
    assert len([text for _, text in complaints if "Content Security Policy" in text]) == 2
