"""Before a budget is spent somebody is told, once a period, by mail and to a webhook."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import django
import pytest
from django.utils import timezone

from aiops.jobs.tasks import sweep
from aiops.ledger.models import Budget, BudgetPeriod
from aiops.ledger.periods import periods_of
from aiops.ledger.scopes import EVERYBODY, ChargedTo
from aiops.ledger.warnings import nearly_spent, warn

DOLLAR = 1_000_000_000

pytestmark = pytest.mark.django_db


@pytest.fixture
def period(budget):
    """Of a budget of 20 dollars that warns at 80 percent."""
    Budget.objects.update(warn_at=80)
    [period] = periods_of(EVERYBODY, timezone.now())
    return period


def spend(dollars, **also):
    BudgetPeriod.objects.update(settled=round(dollars * DOLLAR), **also)


@contextmanager
def webhook(status=200):
    """A server that takes what is posted; gives its address and the bodies."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", bodies
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(("dollars", "near"), [(0, False), (15.99, False), (16, True), (25, True)])
def test_so_much_must_be_spent(period, dollars, near):
    spend(dollars, held=3 * DOLLAR)
    assert bool(nearly_spent(timezone.now())) is near


def test_it_is_told_once_a_period(period, settings, mailoutbox):
    settings.AIOPS = {**settings.AIOPS, "BUDGET_MAIL": ["payer@example.com"]}
    spend(16.5)
    now = timezone.now()
    assert [warn(now), warn(now), warn(now + timedelta(hours=1))] == [1, 0, 0]
    [mail] = mailoutbox
    assert mail.to == ["payer@example.com"]
    assert mail.subject == "Budget “Everything” is nearly spent"
    assert mail.body.startswith("Of the budget “Everything” $16.50 of $20.00 are spent, 82 %. It is renewed on ")
    later = now + timedelta(days=31)
    periods_of(EVERYBODY, later)
    BudgetPeriod.objects.filter(starts_at__gt=now).update(settled=17 * DOLLAR)
    assert warn(later) == 1


def test_the_tick_tells_it_to_the_admins_of_the_site(period, settings, mailoutbox):
    settings.ADMINS = ["boss@example.com"] if django.VERSION >= (6,) else [("Boss", "boss@example.com")]
    spend(20)
    sweep()
    assert [mail.subject for mail in mailoutbox] == ["[Django] Budget “Everything” is nearly spent"]


def test_it_is_posted_to_the_webhook(period, settings, mailoutbox):
    spend(16)
    with webhook() as (address, bodies):
        settings.AIOPS = {**settings.AIOPS, "BUDGET_WEBHOOK": address}
        warn(timezone.now())
    [body] = bodies
    assert (body["budget"], body["settled"], body["cap"]) == ("Everything", 16 * DOLLAR, 20 * DOLLAR)
    assert body["text"].startswith("Of the budget “Everything” $16.00 of $20.00 are spent, 80 %.")


def test_a_webhook_that_fails_stops_nothing(period, settings, mailoutbox, caplog):
    settings.AIOPS = {**settings.AIOPS, "BUDGET_MAIL": ["payer@example.com"]}
    spend(16)
    with webhook(status=500) as (address, _):
        settings.AIOPS = {**settings.AIOPS, "BUDGET_WEBHOOK": address}
        assert warn(timezone.now()) == 1
    assert len(mailoutbox) == 1
    assert "the warning could not be told" in caplog.text


def test_of_a_budget_that_each_has_for_itself_it_is_said_whose(budget, mailoutbox, settings, django_user_model):
    settings.AIOPS = {**settings.AIOPS, "BUDGET_MAIL": ["payer@example.com"]}
    Budget.objects.update(scope="user", warn_at=50)
    for name in ("ada", "bob"):
        periods_of(ChargedTo(user_id=django_user_model.objects.create_user(name).pk), timezone.now())
    spend(11)
    assert warn(timezone.now()) == 2
    assert [mail.subject for mail in mailoutbox] == [
        "Budget “Everything (ada)” is nearly spent",
        "Budget “Everything (bob)” is nearly spent",
    ]


@pytest.mark.parametrize("change", [{"warn_at": None}, {"active": False}])
def test_who_wants_no_warning_gets_none(period, change):
    Budget.objects.update(**change)
    spend(20)
    assert warn(timezone.now()) == 0


def test_the_greatest_budget_there_can_be_is_no_trouble(period):
    BudgetPeriod.objects.update(cap=10**18, settled=8 * 10**17)
    assert warn(timezone.now()) == 1
