"""What was answered is read once, waits for whoever can read it, and is charged where nobody surely knows better."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from aiops import failpoints
from aiops.calls.models import Call
from aiops.gateway.testing import BatchFate, BatchFault, Drip, Html, Status
from aiops.jobs import settle
from aiops.jobs.batch import reading
from aiops.jobs.batch.slice import work_batches
from aiops.jobs.models import Batch, Job
from aiops.jobs.tasks import sweep, work
from tests.jobs.batch.conftest import a_minute_later, by_another, counts, held_and_settled, minutes_go_by, to_the_end
from tests.jobs.batch.test_killed import everything_is_done_once, is_read

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


def is_look(request):
    return request.method == "GET" and "/batches/" in request.path


def test_a_worker_that_slept_before_it_counted_moves_nobody_on(job, provider, monkeypatch):
    """Else lines that nobody has read would be passed over, and given back as not billed."""
    monkeypatch.setattr(reading, "WINDOW", 5)
    work(job.pk)
    others = [dies_after_a_window]

    def reached(name):
        if name == "batch.merged" and others:
            # Somebody takes over, reads the same window, and dies after it.
            Job.objects.update(worker_until=timezone.now() - timedelta(seconds=1), rung_at=None)
            minutes_go_by(1)
            by_another(lambda: others.pop()(job))
        dies(name)

    monkeypatch.setattr(failpoints, "reached", reached)
    with suppress(Died):
        a_minute_later(job)
    monkeypatch.undo()
    to_the_end(job)
    everything_is_done_once(job, provider)


def dies_after_a_window(job):
    with pytest.raises(Died):
        work(job.pk)


class Died(BaseException):
    pass


def dies(name):
    if name == "batch.counted":
        raise Died


@pytest.mark.parametrize("fate", [BatchFate(files_late=2), BatchFate(files_late=2, tells_counts=False)])
def test_answers_whose_file_is_not_named_yet_are_waited_for(job, provider, fate):
    provider.batches.will(fate)
    to_the_end(job)
    everything_is_done_once(job, provider)


def test_where_the_provider_does_not_count_nothing_is_given_back_for_nothing(job, provider):
    provider.batches.will(BatchFate(ends="expired", done=0.0, tells_expired=False, tells_counts=False))
    to_the_end(job)
    assert (job.status, counts(job), job.unknown_costs) == (Job.Status.FINISHED, {"succeeded": 20}, 20)
    assert held_and_settled()[1] > job.cost


@pytest.mark.parametrize("reply", [Html(status=404), Status(404, message="Wrong project.")])
@pytest.mark.parametrize("match", [is_look, is_read])
def test_a_passing_404_loses_nothing(job, provider, reply, match):
    provider.when(match, reply, times=3)
    to_the_end(job)
    everything_is_done_once(job, provider)


def test_answers_that_cannot_be_read_for_days_are_given_up_at_their_holds(job, provider):
    work(job.pk)
    provider.when(is_read, Status(403, message="No."), times=2)
    a_minute_later(job)
    assert (job.batches.get().status, job.unknown_costs) == (Batch.Status.READING, 0)
    Batch.objects.update(expires_at=timezone.now() - timedelta(days=3))
    a_minute_later(job)
    assert job.batches.order_by("pk").first().status == Batch.Status.LOST
    to_the_end(job)
    assert (counts(job), job.unknown_costs) == ({"succeeded": 20}, 20)


def test_an_answer_that_cannot_be_judged_today_is_judged_tomorrow(job, provider, connection_with):
    work(job.pk)
    connection_with(REDACT=["tests.jobs.batch.test_read_once.broken"])
    a_minute_later(job)
    assert (job.batches.get().status, counts(job)) == (Batch.Status.READING, {"claimed": 20})
    connection_with(REDACT=[])
    to_the_end(job)
    everything_is_done_once(job, provider)


def broken(text):
    raise RuntimeError("its model is not there")


def test_of_a_row_that_is_gone_the_answer_is_charged_at_its_hold(job, provider):
    work(job.pk)
    gone = job.items.order_by("pk").first()
    call = Call.objects.get(item_id=gone.pk)
    gone.delete()
    to_the_end(job)
    call.refresh_from_db()
    assert (call.status, call.cost) == (Call.Status.UNKNOWN, None)
    assert held_and_settled()[0] == 0


def test_a_file_that_takes_longer_than_a_slice_is_read_all_the_same(job, provider):
    work(job.pk)
    Batch.objects.update(look_at=timezone.now())
    provider.when(is_read, Drip(seconds_per_byte=0.0003), times=1)
    assert work_batches(job, seconds=2).ended == 20


def test_a_refused_batch_that_takes_two_slices_pauses_nothing(job, provider, monkeypatch):
    fault = BatchFault(code="invalid_request", message="This is not allowed.", line=3)
    provider.batches.will(BatchFate(ends="failed", faults=[fault]))
    work(job.pk)

    def reached(name):
        if name == "batch.gave_back":
            raise Died

    monkeypatch.setattr(failpoints, "reached", reached)
    with pytest.raises(Died):
        a_minute_later(job)
    monkeypatch.undo()
    to_the_end(job)
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 19, "failed": 1})


def test_a_refused_batch_whose_file_cannot_be_had_any_more_is_given_back(job, provider):
    fault = BatchFault(code="invalid_request", message="This is not allowed.", line=3)
    provider.batches.will(BatchFate(ends="failed", faults=[fault]))
    provider.when(is_read, Status(403, message="No."), times=1)
    work(job.pk)
    a_minute_later(job)
    assert (job.status, counts(job), held_and_settled()) == (Job.Status.PAUSED, {"pending": 20}, (0, 0))


def test_lost_calls_are_settled_a_few_at_a_time_and_trouble_with_them_keeps_nobody(job, monkeypatch):
    work(job.pk)
    monkeypatch.setattr(settle, "LOST_AT_ONCE", 5)
    Call.objects.update(started_at=timezone.now() - timedelta(days=8))
    Batch.objects.update(look_at=timezone.now())
    left = [2]

    def reached(name):
        if name == "lost.locked":
            left[0] -= 1
            if not left[0]:
                raise RuntimeError("A database that takes no more.")

    monkeypatch.setattr(failpoints, "reached", reached)
    assert sweep() == 1, "the job was rung for"
    assert Call.objects.open().count() == 15
    sweep()
    assert not Call.objects.open().exists()
