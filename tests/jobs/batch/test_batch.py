"""A job by the provider's batches comes to the same ends as one that is asked row by row, for half the price."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from aiops.calls.models import Call
from aiops.jobs.models import Batch, Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.ledger.models import BudgetPeriod

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget", "batches")]


@pytest.fixture
def batches(settings, provider):
    """The connection `default` takes batches."""
    connections = settings.AIOPS["CONNECTIONS"]
    default = {**connections["default"], "SUPPORTS_BATCH": True}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**connections, "default": default}}


@pytest.fixture
def source(tickets):
    return model_source("helpdesk.Ticket")


@pytest.fixture
def job(triage, source, provider):
    return start_job(triage, source, batch=True)


def counts(job):
    return {status: n for status, n in job.items.count_by_status().items() if n}


def a_minute_later(job):
    """What the tick of the next minute does."""
    past = timezone.now() - timedelta(seconds=1)
    Batch.objects.open().update(look_at=past)
    Job.objects.filter(pk=job.pk).update(rung_at=None)
    return work(job.pk)


def held_and_settled():
    period = BudgetPeriod.objects.get()
    return period.held, period.settled


def test_every_row_is_asked_once_for_half_the_price(job, provider, triage, source):
    assert work(job.pk) == 0
    batch = job.batches.get()
    assert (batch.status, batch.line_count, counts(job)) == (Batch.Status.UNDER_WAY, 20, {"claimed": 20})
    assert Call.objects.open().filter(batch_id=batch.pk).count() == 20
    assert held_and_settled()[0] > 0

    assert a_minute_later(job) == 20
    job.refresh_from_db()
    batch.refresh_from_db()
    assert (job.status, counts(job), batch.status) == (Job.Status.FINISHED, {"succeeded": 20}, Batch.Status.COMPLETED)
    assert (batch.answered, batch.failed, batch.given_back) == (20, 0, 0)
    assert held_and_settled() == (0, job.cost)
    assert provider.totals.answers == 20

    live = start_job(triage, source)
    work(live.pk)
    live.refresh_from_db()
    assert live.cost == 2 * job.cost > 0
