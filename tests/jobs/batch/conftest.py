"""A connection that takes batches, and a job that is asked in them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from aiops.jobs.models import Batch, Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.ledger.models import BudgetPeriod


@pytest.fixture
def connection_with(settings, provider):
    """Give the connection `default` further options."""

    def change(**options):
        connections = settings.AIOPS["CONNECTIONS"]
        default = {**connections["default"], **options}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**connections, "default": default}}

    change(SUPPORTS_BATCH=True)
    return change


@pytest.fixture
def source(tickets):
    return model_source("helpdesk.Ticket")


@pytest.fixture
def job(triage, source, connection_with):
    """A job over all tickets in batches, not yet worked at."""
    return start_job(triage, source, batch=True)


def counts(job):
    return {status: n for status, n in job.items.count_by_status().items() if n}


def minutes_go_by(minutes):
    """All that batches wait for is so much nearer, or longer ago."""
    unsure_since = F("unsure_since") - timedelta(minutes=minutes)
    Batch.objects.open().update(look_at=timezone.now() - timedelta(seconds=1), unsure_since=unsure_since)


def a_minute_later(job):
    """What the tick of the next minute does."""
    minutes_go_by(1)
    Job.objects.filter(pk=job.pk).update(rung_at=None, worker=None)
    ended = work(job.pk)
    job.refresh_from_db()
    return ended


def to_the_end(job, *, minutes=20):
    """Let the ticks go by until nothing more comes of it by itself."""
    work(job.pk)
    for _ in range(minutes):
        a_minute_later(job)
        if job.status != Job.Status.RUNNING and not job.batches.open().exists():
            return
    raise AssertionError((job.status, list(job.batches.values("status", "error")), counts(job)))


def held_and_settled():
    period = BudgetPeriod.objects.get()
    return period.held, period.settled


def lines_of(provider):
    """The lines of all files that were uploaded for batches: for each file, what was asked about."""
    uploads = [request for request in provider.requests if request.path.endswith("/files") and request.method == "POST"]
    return [
        [json.loads(line)["body"]["messages"][-1]["content"] for line in upload.files[0].content.splitlines()]
        for upload in uploads
    ]


def created(provider):
    """How often a batch was asked to be created."""
    return sum(request.method == "POST" and request.path.endswith("/batches") for request in provider.requests)


def by_another(function):
    """Run in a thread with a database connection of its own, as another process would."""

    def run():
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(60)
