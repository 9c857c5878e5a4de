"""Stopping, pausing, running out of money and going live: what was answered is kept, the rest is free again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from aiops.calls.models import Call
from aiops.gateway.testing import BatchFate, BatchFault, Refusal, Status
from aiops.jobs.control import resume, stop
from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Batch, Item, Job
from aiops.jobs.start import start_job
from aiops.jobs.tasks import sweep, work
from aiops.ledger.models import Budget
from aiops.ledger.periods import change_cap
from aiops.stops.switch import go_on, stop_all
from tests.jobs.batch.conftest import (
    a_minute_later,
    by_another,
    counts,
    created,
    held_and_settled,
    lines_of,
    minutes_go_by,
    to_the_end,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]

HALF_DONE = BatchFate(stays=3, done=0.5)


def until_no_batch_is_open(job):
    for _ in range(12):
        a_minute_later(job)
        if not job.batches.open().exists():
            return
    raise AssertionError(list(job.batches.values("status", "provider_status", "error")))


@pytest.mark.parametrize("give_up", [False, True])
def test_stopped_its_batches_are_cancelled_and_what_they_did_is_kept(job, provider, give_up):
    provider.batches.will(HALF_DONE)
    work(job.pk)
    assert stop(job, give_up=give_up) == (
        "The job is stopped: its batches are cancelled, and what they have answered by then is kept and paid for."
    )
    until_no_batch_is_open(job)
    assert job.batches.get().status == Batch.Status.CANCELLED
    assert (job.status, counts(job)) == (Job.Status.STOPPED, {"succeeded": 10, "pending": 10})
    assert held_and_settled() == (0, job.cost)
    assert job.cost > 0

    resume(job)
    to_the_end(job)
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    assert provider.totals.answers == 20


def test_stopped_before_it_was_made_nothing_is_asked(job, provider):
    provider.when(lambda request: request.path.endswith("/batches") and request.method == "POST", Status(500), times=1)
    work(job.pk)
    assert job.batches.get().status == Batch.Status.SUBMITTING
    stop(job)
    until_no_batch_is_open(job)
    assert (job.batches.get().status, counts(job)) == (Batch.Status.WITHDRAWN, {"pending": 20})
    assert (held_and_settled(), Call.objects.count(), provider.totals.answers) == ((0, 0), 0, 0)


def test_stopped_while_its_file_is_sent_nothing_is_asked(job, provider):
    def stops(request):
        if request.path.endswith("/files"):
            by_another(lambda: stop(Job.objects.get(pk=job.pk)))
        return False

    provider.when(stops, Status(500))
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, job.batches.get().status, counts(job)) == (
        Job.Status.STOPPED,
        Batch.Status.WITHDRAWN,
        {"pending": 20},
    )
    assert (held_and_settled(), Call.objects.count(), created(provider)) == ((0, 0), 0, 0)
    assert [request.method for request in provider.requests] == ["POST", "DELETE"]


def test_a_batch_that_ends_while_it_is_cancelled_is_read_all_the_same(job, provider):
    provider.batches.will(BatchFate(stays=1))
    work(job.pk)
    a_minute_later(job)
    provider.when(lambda request: request.path.endswith("/cancel"), Status(409, message="It is over."))
    stop(job)
    until_no_batch_is_open(job)
    assert (job.batches.get().status, counts(job)) == (Batch.Status.COMPLETED, {"succeeded": 20})


def test_without_money_for_all_it_pauses_and_goes_on_once_there_is_room(job, provider, budget):
    work_for_some = 400_000
    change_cap(budget, work_for_some, now=timezone.now())
    work(job.pk)
    job.refresh_from_db()
    batch = job.batches.get()
    assert (job.status, batch.status) == (Job.Status.PAUSED, Batch.Status.UNDER_WAY)
    assert job.waits_for is not None
    assert 0 < batch.line_count < 20
    assert held_and_settled()[0] <= work_for_some
    assert sweep() == 0
    # What is under way is paid for: it is not cancelled, and what it did not need is room again.
    for _ in range(15):
        a_minute_later(job)
        sweep()
        job.refresh_from_db()
        if job.status == Job.Status.FINISHED:
            break
    assert counts(job) == {"succeeded": 20}
    assert Budget.objects.get().cap == work_for_some
    assert held_and_settled() == (0, job.cost)


def test_where_every_call_is_stopped_no_batch_leaves_and_those_that_did_are_cancelled(job, provider, connection_with):
    connection_with(BATCH_LINES=10)
    provider.batches.usual = HALF_DONE
    work(job.pk)
    assert job.batches.count() == 2
    stop_all(None, "too dear")
    until_no_batch_is_open(job)
    assert (job.status, counts(job)) == (Job.Status.PAUSED, {"succeeded": 10, "pending": 10})
    assert created(provider) == 2
    go_on(None)
    provider.batches.usual = BatchFate()
    resume(job)
    to_the_end(job)
    assert counts(job) == {"succeeded": 20}


def test_a_job_in_which_too_much_fails_is_paused_and_its_other_batches_cancelled(
    triage, source, provider, connection_with
):
    connection_with(BATCH_LINES=10)
    provider.batches.will(BatchFate(), BatchFate(stays=5, done=0.0))
    provider.when(lambda request: request.operation == "chat", Refusal())
    job = start_job(triage, source, batch=True, most_failures=5)
    work(job.pk)
    until_no_batch_is_open(job)
    assert (job.status, counts(job)) == (Job.Status.PAUSED, {"failed": 10, "pending": 10})
    assert "10 rows in a row failed" in job.paused_because or "5 rows in a row failed" in job.paused_because


def test_what_is_not_answered_in_time_is_asked_one_by_one(triage, source, provider, connection_with):
    later = timezone.now() + timedelta(hours=2)
    job = start_job(triage, source, batch=True, live_from=later)
    provider.batches.will(HALF_DONE)
    work(job.pk)
    a_minute_later(job)
    assert counts(job) == {"claimed": 20}
    Job.objects.update(live_from=timezone.now() - timedelta(seconds=1))
    for _ in range(8):
        a_minute_later(job)
        if job.status == Job.Status.FINISHED:
            break
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    assert job.batches.get().status == Batch.Status.CANCELLED
    live = Call.objects.filter(batch_id=None)
    batched = Call.objects.filter(status=Call.Status.SUCCEEDED, batch_id__isnull=False)
    assert (live.count(), batched.count()) == (10, 10)
    assert sum(call.cost for call in live) == pytest.approx(2 * sum(call.cost for call in batched), rel=0.2)
    assert held_and_settled() == (0, job.cost)
    assert provider.totals.answers == 20


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"live_from": timezone.now() + timedelta(hours=1)}, "needs no time from which it does"),
        ({"live_from": timezone.now() - timedelta(hours=1), "batch": True}, "must be to come"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(triage, source, connection_with, options, sentence):
    with pytest.raises(JobRefused, match=sentence):
        start_job(triage, source, **options)


def test_some_rows_are_tried_in_a_batch_of_their_own(triage, source, provider, connection_with):
    job = start_job(triage, source, batch=True, try_first=5)
    work(job.pk)
    until_no_batch_is_open(job)
    assert (job.status, counts(job)) == (Job.Status.PAUSED, {"succeeded": 5, "pending": 15})
    assert job.paused_because.startswith("5 rows were tried for ")
    resume(job)
    to_the_end(job)
    assert [batch.line_count for batch in job.batches.order_by("pk")] == [5, 15]


def test_a_batch_too_many_for_the_provider_waits_and_is_made_smaller(job, provider):
    full = BatchFault(code="token_limit_exceeded", message="Enqueued token limit reached.")
    provider.batches.will(BatchFate(ends="failed", faults=[full]))
    work(job.pk)
    a_minute_later(job)
    batch = job.batches.get()
    assert (batch.status, job.status, counts(job)) == (Batch.Status.REFUSED, Job.Status.RUNNING, {"pending": 20})
    assert set(job.items.values_list("claims", flat=True)) == {0}, "no try of the rows' own"
    a_minute_later(job)
    assert job.batches.count() == 1, "it rests"
    Batch.objects.update(rest_until=timezone.now() - timedelta(seconds=1))
    to_the_end(job)
    assert counts(job) == {"succeeded": 20}
    assert [batch.line_count for batch in job.batches.order_by("pk")] == [20, 10, 10]


def test_rows_for_which_the_whole_batch_was_refused_fail_and_the_others_go_on(job, provider):
    fault = BatchFault(code="invalid_request", message="This is not allowed.", line=3)
    provider.batches.will(BatchFate(ends="failed", faults=[fault]))
    to_the_end(job)
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 19, "failed": 1})
    failed = job.items.get(status=Item.Status.FAILED)
    assert failed.variables["text"] == lines_of(provider)[0][2]
    assert failed.error_text == "The provider refuses the line of this row. This is not allowed."


@pytest.mark.parametrize("how", ["file", "create", "upload"])
def test_a_provider_that_will_never_take_it_pauses_the_job_with_what_it_says(job, provider, how):
    if how == "file":
        fault = BatchFault(code="model_not_found", message="The model does not exist.")
        provider.batches.will(BatchFate(ends="failed", faults=[fault]))
    else:
        path = "/batches" if how == "create" else "/files"
        reply = Status(400, message="The model does not exist.")
        provider.when(lambda request: request.method == "POST" and request.path.endswith(path), reply, times=1)
    work(job.pk)
    until_no_batch_is_open(job) if job.batches.open().exists() else job.refresh_from_db()
    assert (job.status, counts(job), held_and_settled()) == (Job.Status.PAUSED, {"pending": 20}, (0, 0))
    assert "The model does not exist." in job.paused_because
    resume(job)
    to_the_end(job)
    assert counts(job) == {"succeeded": 20}


def test_a_provider_that_is_away_is_tried_again_without_anybody(job, provider):
    provider.when(lambda request: request.path.endswith("/files"), Status(503), times=20)
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, counts(job), held_and_settled()) == (Job.Status.RUNNING, {"pending": 20}, (0, 0))
    Batch.objects.update(rest_until=timezone.now())
    provider.reset()
    to_the_end(job)
    assert counts(job) == {"succeeded": 20}


def test_a_batch_that_nobody_knows_any_more_is_charged_at_its_holds_and_asked_again(job, provider):
    work(job.pk)
    held = held_and_settled()[0]
    provider.reset()
    for _ in range(3):
        a_minute_later(job)
    assert job.batches.get().status == Batch.Status.UNDER_WAY, "it may be back"
    minutes_go_by(60)
    a_minute_later(job)
    lost = job.batches.order_by("pk").first()
    assert lost.status == Batch.Status.LOST
    to_the_end(job)
    assert (counts(job), job.unknown_costs) == ({"succeeded": 20}, 20)
    assert held_and_settled() == (0, held + job.cost)


def test_a_batch_that_never_ends_is_given_up(job, provider):
    provider.batches.will(BatchFate(stays=1_000))
    work(job.pk)
    a_minute_later(job)
    long_ago = timezone.now() - timedelta(days=4)
    Batch.objects.update(submitted_at=long_ago)
    provider.when(
        lambda request: request.path.endswith("0001") and "/batches/" in request.path,
        lambda request: {"id": "batch_000000000000000000000001", "status": "in_progress"},
    )
    a_minute_later(job)
    assert job.batches.order_by("pk").first().status == Batch.Status.LOST
    to_the_end(job)
    assert counts(job) == {"succeeded": 20}
