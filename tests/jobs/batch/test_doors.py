"""Choosing batches, at every door: the page, the command, the job's own page."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from aiops.gateway.testing import BatchFate
from aiops.jobs.control import stop
from aiops.jobs.models import Batch, Job
from aiops.jobs.quote import quote as quote_of
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.ledger.own_prices import OwnPrice
from aiops.management.moments import moment_to_come
from tests.commands.conftest import run  # noqa: F401 - a fixture
from tests.jobs.batch.conftest import a_minute_later, to_the_end
from tests.jobs.test_run_page import confirm, hidden_fields, post

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


@pytest.fixture
def chosen(admin_client, tickets, triage):
    """The page that comes of these choices."""

    def choose(**choices):
        given = {"prompt": "triage", "version": "production", "connection": "", "limit": "", "empty": ""}
        return post(admin_client, tickets[:3], step="quote", select_across="0", **{**given, **choices})

    return choose


def test_the_choice_is_there_where_a_connection_has_batches(chosen, connection_with):
    assert "transport" in chosen(version="none").context["form"].fields
    connection_with(SUPPORTS_BATCH=False)
    assert "transport" not in chosen(version="none").context["form"].fields


def test_from_the_page_to_a_job_in_batches(chosen, admin_client, connection_with):
    later = timezone.localtime() + timedelta(days=2)
    page = chosen(transport="batch", live_from=later.strftime("%Y-%m-%dT%H:%M"))
    said = page.context["quote"].sentences()
    assert "in batches, answered within a day" in said
    assert not any("by the provider's price for batches" in sentence for sentence in said)
    assert "is asked one by one, at the usual price" in page.content.decode()
    assert hidden_fields(page)["transport"] == ["batch"]
    confirm(admin_client, page)
    job = Job.objects.get()
    assert job.transport == Job.Transport.BATCH
    assert timezone.localtime(job.live_from).strftime("%Y-%m-%dT%H:%M") == later.strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"transport": "live", "live_from": "2999-01-01T10:00"}, "need no time: leave it empty"),
        ({"transport": "batch", "live_from": "2020-01-01T10:00"}, "This time is over: give a later one."),
        ({"transport": "batch", "live_from": "soon"}, "Enter a valid date/time."),
    ],
)
def test_a_time_that_makes_no_sense_is_said_at_its_field(chosen, connection_with, choices, sentence):
    (error,) = chosen(**choices).context["form"].errors["live_from"]
    assert sentence in error


def test_a_connection_without_batches_is_said_on_the_page(chosen, connection_with, settings):
    connections = settings.AIOPS["CONNECTIONS"]
    other = {**connections["default"], "SUPPORTS_BATCH": False}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**connections, "other": other}}
    (error,) = chosen(transport="batch", connection="other").context["form"].non_field_errors()
    assert error.startswith("The connection “other” has no batches: run it live")


def test_a_quote_of_batches_is_half_that_of_calls(triage, source, connection_with):
    live, batch = quote_of(triage, source), quote_of(triage, source, batch=True)
    assert batch.cost == live.batch
    assert batch.cost.high == pytest.approx(live.cost.high / 2, rel=0.01)
    assert (batch.batch, batch.pace, batch.in_batches) == (None, None, True)
    assert batch.budgets[0].left - batch.budgets[0].after == batch.cost.high


def test_the_page_of_a_job_shows_its_batches(job, admin_client, provider):
    provider.batches.will(BatchFate(stays=3, lines_a_look=7))
    work(job.pk)
    page = admin_client.get(reverse("admin:aiops_job_change", args=[job.pk])).content.decode()
    assert "<h2>Batches</h2>" in page
    assert "under way" in page
    assert "batch_000000000000000000000001" in page
    assert "in batches, within a day" in page
    live = admin_client.get(reverse("admin:aiops_job_progress", args=[job.pk])).json()
    assert (live["batches"][0]["lines"], live["rate"], live["live"]) == (20, None, True)
    assert "<h2>Batches</h2>" in live["html"]
    stop(job)
    a_minute_later(job)
    page = admin_client.get(reverse("admin:aiops_job_change", args=[job.pk])).content.decode()
    assert "to be cancelled" in page


def test_a_button_stops_a_job_in_batches(job, admin_client, provider):
    work(job.pk)
    told = admin_client.post(reverse("admin:aiops_job_stop", args=[job.pk]), follow=True).content.decode()
    assert "its batches are cancelled" in told
    assert job.batches.get().look_at <= timezone.now()


def test_a_page_asks_as_often_for_many_batches_as_for_one(job, admin_client, provider, django_assert_num_queries):
    work(job.pk)
    address = reverse("admin:aiops_job_progress", args=[job.pk])
    admin_client.get(address)
    with CaptureQueriesContext(connection) as one:
        admin_client.get(address)
    batch = job.batches.get()
    for _ in range(30):
        now = timezone.now()
        Batch.objects.create(job=job, connection="default", created_at=now, look_at=now, status="completed")
    assert batch.is_open
    with django_assert_num_queries(len(one)):
        shown = admin_client.get(address).json()
    assert len(shown["batches"]) == 20


def test_the_command_starts_and_tells(run, triage, tickets, provider, connection_with):  # noqa: F811
    ran = run("run_job", "triage", "--model", "helpdesk.Ticket", "--batch", "--live-from", "23:59", "--json")
    assert ran.code == 0, ran.stderr
    job = Job.objects.get()
    assert (job.transport, timezone.localtime(job.live_from).strftime("%H:%M")) == ("batch", "23:59")
    provider.batches.will(BatchFate(ends="expired", done=0.5))
    Job.objects.update(live_from=None)
    job.refresh_from_db()
    to_the_end(job)
    told = run("job_status", job.pk).stdout
    assert "  batch expired since " in told
    assert "10 of 20 lines done, 10 given back" in told
    assert json.loads(run("job_status", job.pk, "--json").stdout)["batches"][0]["answered"] == 10


def test_the_command_quotes_batches(run, triage, tickets, provider, connection_with):  # noqa: F811
    told = run("run_job", "triage", "--model", "helpdesk.Ticket", "--batch", "--dry-run")
    assert "in batches, answered within a day\n" in told.stdout
    assert provider.requests == []


def test_the_command_refuses_what_makes_no_sense(run, triage, tickets, provider):  # noqa: F811
    ran = run("run_job", "triage", "--model", "helpdesk.Ticket", "--batch")
    assert (ran.code, "has no batches" in ran.stderr) == (2, True)
    for time in ("soon", "2020-01-01T10:00", "18:00+02:00"):
        ran = run("run_job", "triage", "--model", "helpdesk.Ticket", "--batch", "--live-from", time)
        assert ran.code == 2, time
    assert not Job.objects.exists()


def test_a_time_of_day_is_the_next_one():
    now = timezone.localtime()
    for moment in (now - timedelta(minutes=2), now + timedelta(minutes=2)):
        found = moment_to_come(moment.strftime("%H:%M"))
        assert timezone.now() < found <= timezone.now() + timedelta(days=1)


def test_an_own_price_for_batches_is_what_they_cost(triage, source, provider, connection_with):
    usual = {"model": "gpt-6-luna", "starts_at": timezone.now() - timedelta(days=1)}
    OwnPrice.objects.create(**usual, tier="batch", input_tokens=1, output_tokens=0)
    job = start_job(triage, source, batch=True)
    to_the_end(job)
    assert job.cost == job.tokens_in * 1000
