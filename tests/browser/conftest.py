"""A browser, and a site with people in it. One start of both serves all stories."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from aiops.gateway.testing import StandIn
from tests.browser.prepare import PASSWORD
from tests.browser.site import running_site

TIMEOUT = 20_000
"""Milliseconds until a step has failed."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a story in the browser's own thread: an event loop stays there that no other test may meet."""
    thread = pyfuncitem.funcargs.get("browser_thread")
    if thread is None:
        return None
    names = pyfuncitem._fixtureinfo.argnames
    thread.submit(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in names}).result()
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With a story that failed comes what the site said meanwhile."""
    report = yield
    site = item.funcargs.get("site")
    if report.failed and site is not None:
        for name in ("server", "cluster"):
            report.sections.append((f"log of the {name}", "\n".join(site.log(name).splitlines()[-40:])))
    return report


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site, its worker and its provider, for all stories."""
    with StandIn(seed=1, latency=0.02) as stand_in, running_site(tmp_path_factory.mktemp("site"), stand_in) as site:
        yield site


@pytest.fixture
def provider(site):
    """The provider of the site, with nothing said yet."""
    site.stand_in.reset()
    return site.stand_in


@pytest.fixture(scope="session")
def browser_thread():
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="browser") as thread:
        yield thread


@pytest.fixture(scope="session")
def browser(browser_thread, chromium):
    from playwright.sync_api import sync_playwright

    def start():
        playwright = sync_playwright().start()
        return playwright, playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )

    def stop():
        browser.close()
        playwright.stop()

    playwright, browser = browser_thread.submit(start).result()
    yield browser
    browser_thread.submit(stop).result()


@pytest.fixture(scope="session")
def cookies():
    """Site and user → what the browser keeps of being signed in."""
    return {}


@pytest.fixture
def visit(site, browser, browser_thread, cookies):
    """`visit("runner")` is a page of somebody signed in; whatever the browser complains of fails the test."""
    opened, complaints = [], []

    def listen(page):
        def said(message):
            # Which picture stands for the site is the shop's own business.
            if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):
                complaints.append(f"{page.url}: {message.text}")

        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", said)

    def visit(user, **options):
        context = browser.new_context(
            base_url=site.url, storage_state=cookies.get((site.url, user)), reduced_motion="reduce", **options
        )
        opened.append(context)
        context.set_default_timeout(TIMEOUT)
        context.on("page", listen)
        page = context.new_page()
        if (site.url, user) not in cookies:
            page.goto("/admin/")
            page.get_by_label("Username").fill(user)
            page.get_by_label("Password").fill(PASSWORD)
            page.keyboard.press("Enter")
            page.get_by_role("button", name="Log out").wait_for()
            cookies[site.url, user] = context.storage_state()
        return page

    log_before = len(site.log("server"))
    yield visit
    browser_thread.submit(lambda: [context.close() for context in opened]).result()
    assert complaints == []
    assert not re.search(r"Internal Server Error|ERROR django", site.log("server")[log_before:])
