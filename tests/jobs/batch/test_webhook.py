"""A provider says by itself that a batch is over: it is looked at earlier, and nothing else changes."""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.request

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from aiops.gateway.batches.webhook import MOST_BYTES
from aiops.gateway.stand_in.webhooks import Webhook, signed
from aiops.gateway.testing import BatchFate
from aiops.jobs.models import Batch, Job
from aiops.jobs.tasks import work
from tests.jobs.batch.conftest import counts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()
ADDRESS = "/aiops/webhooks/default/"


@pytest.fixture(autouse=True)
def secret(monkeypatch, connection_with):
    monkeypatch.setenv("SHOP_WEBHOOK_SECRET", SECRET)
    connection_with(WEBHOOK_SECRET_VARIABLE="SHOP_WEBHOOK_SECRET")


@pytest.fixture
def batch(job, provider):
    """One that is with the provider, and whose minute has not come."""
    provider.batches.will(BatchFate(stays=1))
    work(job.pk)
    Job.objects.filter(pk=job.pk).update(rung_at=None)
    OrmQ.objects.all().delete()
    return job.batches.get()


def event(batch_id, kind="batch.completed"):
    return json.dumps({"id": "evt_1", "object": "event", "type": kind, "data": {"id": batch_id}}).encode()


def post(body, *, secret=SECRET, at=None, address=ADDRESS, **changed):
    headers = signed(body, secret, at=int(time.time()) if at is None else at) | changed
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items() if value is not None}
    return Client(enforce_csrf_checks=True).post(address, body, content_type="application/json", **named).status_code


def is_due(batch):
    batch.refresh_from_db()
    return batch.look_at <= timezone.now()


def test_the_end_of_a_batch_is_heard_over_http_and_read_at_once(job, batch, provider, live_server):
    assert not is_due(batch)
    told = Webhook(url=f"{live_server.url}{ADDRESS}", secret=SECRET)
    provider.batches.webhook = told
    # Somebody else looks at it until it is over; then the provider tells us.
    while (
        json.load(urllib.request.urlopen(f"{provider.base_url}/batches/{batch.provider_id}"))["status"] != "completed"
    ):
        pass
    deadline = time.monotonic() + 30
    while not is_due(batch):
        assert time.monotonic() < deadline, "nobody was told"
        time.sleep(0.02)
    assert OrmQ.objects.count() == 1
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    batch.refresh_from_db()
    assert (batch.cost, batch.unknown_costs) == (job.cost, 0)


@pytest.mark.parametrize("kind", ["batch.completed", "batch.failed", "batch.expired", "batch.cancelled"])
def test_each_end_has_it_looked_at(batch, kind):
    assert post(event(batch.provider_id, kind)) == 200
    assert is_due(batch) and OrmQ.objects.count() == 1


def test_the_same_webhook_twice_is_as_if_once(batch):
    for _ in range(3):
        assert post(event(batch.provider_id)) == 200
    assert OrmQ.objects.count() == 1


def test_one_that_is_read_already_is_left_as_it_is(job, batch):
    Batch.objects.update(status=Batch.Status.COMPLETED)
    assert post(event(batch.provider_id)) == 200
    assert not is_due(batch) and not OrmQ.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        event("batch_of_nobody"),
        event("\0"),
        event(["a list"]),
        event(None, "response.completed"),
        b"[]",
        b"no json",
        b"",
        b"[" * 50_000,
        b'{"type": "batch.completed"}',
        b'{"type": ["batch.completed"], "data": {"id": "x"}}',
    ],
)
def test_whatever_else_is_signed_is_taken_and_left(batch, body):
    assert post(body) == 200
    assert not is_due(batch) and not OrmQ.objects.exists()


def test_another_event_of_the_same_batch_is_left(batch):
    assert post(event(batch.provider_id, "batch.in_progress")) == 200
    assert not is_due(batch)


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": "whsec_" + base64.b64encode(b"another secret of this very long").decode()},
        {"at": 0},
        {"at": int(time.time()) + 3600},
        {"webhook-signature": None},
        {"webhook-id": None},
        {"webhook-timestamp": None},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,ümläut"},
    ],
)
def test_what_is_not_signed_now_by_the_provider_is_refused(batch, changed):
    assert post(event(batch.provider_id), **changed) == 400
    assert not is_due(batch) and not OrmQ.objects.exists()


def test_a_body_that_is_no_text_is_refused(batch):
    body = b"\xff\xfe"
    assert post(body) == 400


def test_more_than_a_webhook_holds_is_not_read(batch):
    assert post(b" " * (MOST_BYTES + 1)) == 413


def test_only_posts_are_taken(batch):
    assert Client().get(ADDRESS).status_code == 405


def test_nobody_listens_for_a_connection_without_a_secret(batch, monkeypatch):
    monkeypatch.delenv("SHOP_WEBHOOK_SECRET")
    assert post(event(batch.provider_id)) == 404
    assert post(event(batch.provider_id), address="/aiops/webhooks/elsewhere/") == 404
    assert not is_due(batch)


def test_a_batch_of_another_connection_is_not_looked_at(batch):
    Batch.objects.update(connection="azure")
    assert post(event(batch.provider_id)) == 200
    assert not is_due(batch)


def test_a_secret_that_is_none_is_a_warning_that_does_not_repeat_it(monkeypatch):
    assert "aiops.W018" not in {found.id for found in run_checks()}
    monkeypatch.setenv("SHOP_WEBHOOK_SECRET", "sk-canary")
    [found] = [found for found in run_checks() if found.id == "aiops.W018"]
    assert "SHOP_WEBHOOK_SECRET" in found.hint and "canary" not in f"{found.msg}{found.hint}"
    assert os.environ["SHOP_WEBHOOK_SECRET"] == "sk-canary"
