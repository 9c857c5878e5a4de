"""What pauses a job cancels only what nobody wants any more, takes no try from a row, and sends nobody in circles."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from aiops.calls.models import Call
from aiops.gateway.testing import BatchFate, Status
from aiops.jobs.control import resume, stop
from aiops.jobs.models import Item, Job
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from tests.jobs.batch.conftest import a_minute_later, counts, created, to_the_end
from tests.jobs.batch.test_killed import is_create, is_upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


def is_cancel(request):
    return request.path.endswith("/cancel")


def cancels(provider):
    return sum(map(is_cancel, provider.requests))


def test_a_connection_that_was_away_for_a_minute_costs_no_batch(job, provider, settings):
    provider.batches.will(BatchFate(stays=1))
    work(job.pk)
    whole = settings.AIOPS
    settings.AIOPS = {**whole, "CONNECTIONS": {"another": whole["CONNECTIONS"]["default"]}}
    a_minute_later(job)
    assert job.status == Job.Status.PAUSED
    settings.AIOPS = whole
    for _ in range(5):
        a_minute_later(job)
    assert (job.status, counts(job), cancels(provider)) == (Job.Status.PAUSED, {"succeeded": 20}, 0)


def test_one_batch_that_cannot_leave_cancels_no_other(job, provider, connection_with):
    connection_with(BATCH_LINES=10)
    provider.batches.usual = BatchFate(stays=1)
    uploads = []

    def is_second(request):
        return is_upload(request) and (uploads.append(1) or len(uploads) == 2)

    provider.when(is_second, Status(400, message="No."))
    work(job.pk)
    for _ in range(5):
        a_minute_later(job)
    assert (job.status, counts(job)) == (Job.Status.PAUSED, {"succeeded": 10, "pending": 10})
    assert cancels(provider) == 0


def test_a_row_whose_batches_were_cancelled_has_lost_no_try(job, provider):
    provider.batches.usual = BatchFate(stays=3, done=0.0)
    for _ in range(4):
        work(job.pk)
        stop(job)
        while job.batches.open().exists():
            a_minute_later(job)
        assert set(job.items.values_list("claims", flat=True)) == {0}
        resume(job)
    provider.batches.usual = BatchFate()
    to_the_end(job)
    assert counts(job) == {"succeeded": 20}


def test_what_three_batches_did_not_answer_is_asked_live_all_the_same(triage, source, provider, connection_with):
    job = start_job(triage, source, batch=True, live_from=timezone.now() + timedelta(hours=1))
    provider.batches.usual = BatchFate(ends="expired", done=0.0, tells_expired=False)
    work(job.pk)
    Item.objects.update(claims=3)
    Job.objects.update(live_from=timezone.now() - timedelta(seconds=1))
    to_the_end(job)
    assert (counts(job), Call.objects.filter(batch_id=None).count()) == ({"succeeded": 20}, 20)


def test_as_long_as_one_cannot_be_created_no_other_is_made(job, provider, connection_with):
    connection_with(BATCH_LINES=5)
    provider.when(is_create, Status(503, message="Not now."), times=2)
    work(job.pk)
    job.refresh_from_db()
    assert job.rung_at is None, "nothing is to be done at once"
    work(job.pk)
    assert (job.batches.count(), created(provider)) == (1, 1)
    to_the_end(job)
    assert counts(job) == {"succeeded": 20}


def test_a_provider_that_is_down_is_asked_again_with_the_next_tick_and_not_at_once(job, connection_with):
    connection_with(BASE_URL="http://127.0.0.1:9/v1")
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, job.rung_at, job.batches.count()) == (Job.Status.RUNNING, None, 0)
