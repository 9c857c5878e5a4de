"""The same site on PostgreSQL: from tickets to answers, with a worker of its own."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from aiops.gateway.testing import Answer, StandIn
from tests.browser.site import running_site
from tests.browser.steps import count, expect_finished, run_on_tickets, status
from tests.conftest import POSTGRES_URL

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture(scope="module")
def database_url():
    """Address of a database of its own."""
    import psycopg

    name = f"aiops_visited_{os.getpid()}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield urlsplit(POSTGRES_URL)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def site(tmp_path_factory, database_url):
    home = tmp_path_factory.mktemp("on-postgres")
    with StandIn(seed=1) as stand_in, running_site(home, stand_in, database_url=database_url) as site:
        yield site
    assert not (home / "db.sqlite3").exists()


def test_tickets_are_answered_while_one_looks_on(visit, provider):
    provider.when(lambda request: True, Answer(delay=0.5))
    page = visit("runner")
    run_on_tickets(page, 20)
    expect(status(page)).to_contain_text("running")
    page.get_by_role("button", name="Stop").click()
    expect(status(page)).to_contain_text("stopped")
    page.get_by_role("button", name="Resume").click()
    expect_finished(page)
    expect(count(page, "succeeded")).to_contain_text("20")
    assert len(provider.requests) == 20
