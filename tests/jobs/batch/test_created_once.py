"""A batch is created once, whoever is late, and none after somebody has said that nothing more may leave."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from aiops import failpoints
from aiops.gateway.testing import BatchFate, CutBody, Status
from aiops.jobs.control import stop
from aiops.jobs.models import Batch, Job
from aiops.jobs.tasks import work
from aiops.stops.switch import stop_all
from tests.jobs.batch.conftest import (
    a_minute_later,
    by_another,
    counts,
    created,
    held_and_settled,
    minutes_go_by,
    to_the_end,
)
from tests.jobs.batch.test_killed import everything_is_done_once, is_create

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


def is_cancel(request):
    return request.path.endswith("/cancel")


@pytest.fixture
def meanwhile(monkeypatch):
    """Do something, once, when a worker comes by a place."""

    def do(place, act):
        left = [act]

        def reached(name):
            if name == place and left:
                left.pop()()

        monkeypatch.setattr(failpoints, "reached", reached)

    return do


def another_takes_over(job, *, minutes):
    Job.objects.update(worker_until=timezone.now() - timedelta(seconds=1), rung_at=None)
    minutes_go_by(minutes)
    by_another(lambda: work(job.pk))


@pytest.fixture
def submitting(job, provider):
    """Its batch is about to be created, and surely was not yet."""
    provider.when(is_create, Status(503, message="Not now."), times=1)
    work(job.pk)
    batch = job.batches.get()
    assert (batch.status, batch.unsure_since, created(provider)) == (Batch.Status.SUBMITTING, None, 1)
    return batch


def test_a_worker_whose_lease_ran_out_while_it_looked_for_the_batch_creates_none(job, submitting, provider, meanwhile):
    meanwhile("batch.sought", lambda: another_takes_over(job, minutes=1))
    a_minute_later(job)
    assert created(provider) == 2, "the one that failed, and the other worker's"
    to_the_end(job)
    everything_is_done_once(job, provider)


def test_a_second_batch_that_was_made_all_the_same_is_cancelled(job, provider, meanwhile):
    """A process slept between its last look at the database and its request, for longer than anybody waits for it."""

    meanwhile("batch.leaving", lambda: another_takes_over(job, minutes=6))
    provider.batches.usual = BatchFate(stays=2, done=0.0)
    work(job.pk)
    batch = job.batches.get()
    assert (created(provider), batch.provider_id[-1]) == (2, "1")
    assert [request.path[-8:] for request in provider.requests if is_cancel(request)] == ["2/cancel"]


@pytest.mark.parametrize("how", ["every call", "the job"])
def test_stopped_while_it_is_looked_for_it_is_not_created(job, submitting, provider, meanwhile, how):
    meanwhile("batch.sought", lambda: stop_all(None, "too dear") if how == "every call" else stop(Job.objects.get()))
    a_minute_later(job)
    assert created(provider) == 1, "the one that failed"
    assert (job.batches.get().status, counts(job)) == (Batch.Status.WITHDRAWN, {"pending": 20})
    assert held_and_settled() == (0, 0)
    assert job.status == (Job.Status.PAUSED if how == "every call" else Job.Status.STOPPED)


def test_a_batch_whose_creation_was_not_answered_is_waited_for_until_it_is_listed(job, provider):
    provider.when(is_create, CutBody(), times=1)
    provider.batches.will(BatchFate(unlisted=3))
    work(job.pk)
    for _ in range(3):
        a_minute_later(job)
        assert job.batches.get().status == Batch.Status.SUBMITTING
    to_the_end(job)
    assert created(provider) == 1
    everything_is_done_once(job, provider)


def test_stopped_meanwhile_its_money_stays_held_until_somebody_knows(job, provider):
    provider.when(is_create, CutBody(), times=1)
    provider.batches.will(BatchFate(unlisted=2, stays=1, done=0.5))
    work(job.pk)
    stop(job)
    a_minute_later(job)
    assert job.batches.get().status == Batch.Status.SUBMITTING
    assert held_and_settled()[0] > 0
    for _ in range(8):
        a_minute_later(job)
    assert (job.batches.get().status, counts(job)) == (Batch.Status.CANCELLED, {"pending": 10, "succeeded": 10})
    assert held_and_settled() == (0, job.cost)


def test_it_is_found_in_a_list_without_metadata(job, provider):
    provider.batches.tells_metadata = False
    provider.when(is_create, CutBody(), times=1)
    to_the_end(job)
    assert created(provider) == 1
    everything_is_done_once(job, provider)


def test_after_an_hour_without_workers_it_is_created_all_the_same(job, submitting, provider):
    Batch.objects.update(created_at=timezone.now() - timedelta(hours=2), error="")
    to_the_end(job)
    everything_is_done_once(job, provider)
