"""Two clusters and one PostgreSQL, and the wire of one of them is cut in the middle of its work."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.db.models import Sum

from aiops.calls.models import Call
from aiops.gateway.testing import Answer
from aiops.jobs.models import Item, Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import sweep
from aiops.ledger.models import BudgetPeriod, Hold
from project.helpdesk.models import Ticket
from tests.health.conftest import wait_for
from tests.health.proxy import Proxy
from tests.health.short_leases import MAX_IN_FLIGHT, aiops

pytestmark = [
    pytest.mark.slow,
    pytest.mark.each_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="a file is on one machine"),
]

ROWS = 60
FAR, NEAR = "key-of-far", "key-of-near"
"""By their keys the provider knows which machine asks."""


@pytest.fixture
def rows(db):
    return Ticket.objects.bulk_create(Ticket(text=f"Question {number}?") for number in range(ROWS))


@pytest.fixture
def wire(database_url):
    """What lies between the far machine and the database."""
    there = urlsplit(database_url)
    with Proxy(there.hostname, there.port or 5432) as proxy:
        proxy.url = there._replace(netloc=f"{there.username}@127.0.0.1:{proxy.port}").geturl()
        yield proxy


def asked_by(provider, key):
    return [request for request in provider.requests if request.headers["Authorization"] == f"Bearer {key}"]


def all_ended(jobs):
    # As the schedule does, only more often: nobody wants to wait a minute for each tick.
    time.sleep(1)
    sweep()
    return not Job.objects.filter(pk__in=[job.pk for job in jobs]).exclude(status=Job.Status.FINISHED).exists()


def cut(wire, far):
    wire.cut()
    return wire.mend


def go_silent(wire, far):
    wire.freeze()
    # The database takes its locks back once it has found out.
    time.sleep(3)
    wire.give_up()
    return wire.mend


def stand_still(wire, far):
    """As a machine does whose memory is written to disk: it knows nothing of the time that has passed."""
    os.killpg(far.main, signal.SIGSTOP)
    return lambda: os.killpg(far.main, signal.SIGCONT)


@pytest.mark.parametrize("blow", [cut, go_silent, stand_still])
def test_work_moves_over_and_late_writers_are_refused(
    blow, triage, rows, budget, provider, settings, start_workers, wire
):
    settings.AIOPS = aiops(settings.AIOPS, provider.base_url, "key-of-test")
    provider.when(lambda _: True, Answer(delay=0.5))
    site = {"DJANGO_SETTINGS_MODULE": "tests.health.short_leases"}
    jobs = [start_job(triage, model_source("helpdesk.Ticket")) for _ in range(2)]
    # The far one first: beside another it may by chance have nothing to do.
    far = start_workers("--stale", "600", OPENAI_API_KEY=FAR, DATABASE_URL=wire.url, **site)
    wait_for(lambda: len(asked_by(provider, FAR)) >= MAX_IN_FLIGHT)
    near = start_workers(OPENAI_API_KEY=NEAR, **site)
    near.wait_for_beat()
    before = len(asked_by(provider, FAR))
    # Not at a moment that is between two windows.
    wait_for(lambda: len(asked_by(provider, FAR)) > before)
    mend = blow(wire, far)
    asked_until_then = len(asked_by(provider, FAR))
    wait_for(lambda: all_ended(jobs))
    # What was held ready may still have left; then it had nothing more to do.
    assert len(asked_by(provider, FAR)) <= asked_until_then + 2 * MAX_IN_FLIGHT

    mend()
    wait_for(lambda: "had been taken over" in far.said)
    assert near.end() == 0
    # It goes on as if nothing had been.
    jobs.append(start_job(triage, model_source("helpdesk.Ticket")))
    wait_for(lambda: all_ended(jobs))
    assert far.end() == 0

    items = Item.objects.filter(job__in=jobs)
    assert Counter(items.values_list("status", flat=True)) == {"succeeded": ROWS * len(jobs)}
    calls = Call.objects.all()
    assert not calls.open().exists()
    # Calls that the provider knows of are calls in the log; one that nobody knows the end of may never have left.
    logged = calls.aggregate(n=Sum("attempt_count"))["n"]
    assert logged - calls.filter(status=Call.Status.UNKNOWN).count() <= len(provider.requests) <= logged
    again = Counter(calls.values_list("item_id", flat=True))
    twice = [key for key, count in again.items() if count > 1]
    assert 0 < len(twice) <= 2 * MAX_IN_FLIGHT, "only what was under way on the wire that was cut"
    assert set(again.values()) == {1, 2}
    # The answer that counts is of whoever had taken the row over.
    assert set(items.values_list("call_id", flat=True)) <= set(calls.values_list("pk", flat=True))
    held = BudgetPeriod.objects.aggregate(held=Sum("held"), settled=Sum("settled"))
    assert held == {"held": 0, "settled": Hold.objects.aggregate(n=Sum("settled"))["n"]}
