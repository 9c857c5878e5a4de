"""A job by the provider's batches comes to the same ends as one that is asked row by row, for half the price."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from aiops.calls.models import Call
from aiops.gateway.testing import Answer, BatchFate, Length, Refusal, Status
from aiops.jobs.control import retry_failed
from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Batch, Item, Job
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from tests.jobs.batch.conftest import a_minute_later, counts, created, held_and_settled, lines_of, to_the_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


def test_every_row_is_asked_once_for_half_the_price(job, provider, triage, source):
    assert work(job.pk) == 0
    batch = job.batches.get()
    assert (batch.status, batch.line_count) == (Batch.Status.UNDER_WAY, 20)
    assert counts(job) == {"claimed": 20}
    assert Call.objects.open().filter(batch_id=batch.pk).count() == 20
    assert held_and_settled()[0] > 0

    assert a_minute_later(job) == 20
    batch.refresh_from_db()
    assert (job.status, counts(job), batch.status) == (Job.Status.FINISHED, {"succeeded": 20}, Batch.Status.COMPLETED)
    assert (batch.answered, batch.failed, batch.given_back) == (20, 0, 0)
    assert held_and_settled() == (0, job.cost)
    assert provider.totals.answers == 20
    assert sum(call.cost for call in Call.objects.all()) == job.cost
    assert {call.price["tier"] for call in Call.objects.all()} == {"batch"}

    live = start_job(triage, source)
    work(live.pk)
    live.refresh_from_db()
    assert live.cost == pytest.approx(2 * job.cost, rel=0.01)


def test_a_file_holds_what_a_live_request_would_be(job, provider):
    work(job.pk)
    (upload,) = [request for request in provider.requests if request.path.endswith("/files")]
    lines = [json.loads(line) for line in upload.files[0].content.splitlines()]
    calls = {str(call.pk): call for call in Call.objects.all()}
    assert {line["custom_id"] for line in lines} == set(calls)
    assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
    assert lines[0]["body"]["messages"] == calls[lines[0]["custom_id"]].messages
    assert lines[0]["body"]["response_format"]["type"] == "json_schema"


def test_responses_are_asked_at_their_own_address(triage, source, provider, connection_with):
    connection_with(API="responses")
    job = start_job(triage, source, batch=True)
    to_the_end(job)
    assert counts(job) == {"succeeded": 20}
    (request,) = [request for request in provider.requests if request.path.endswith("/batches")]
    assert request.body["endpoint"] == "/v1/responses"


def test_no_batch_is_longer_than_the_connection_says(job, provider, connection_with):
    connection_with(BATCH_LINES=8)
    provider.batches.most_lines = 8
    to_the_end(job)
    assert sorted(job.batches.values_list("line_count", flat=True)) == [4, 8, 8]
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})


def test_no_file_is_larger_than_the_connection_says(job, provider, connection_with):
    connection_with(BATCH_BYTES=6_000)
    provider.batches.most_bytes = 6_000
    to_the_end(job)
    assert job.batches.count() > 2
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    assert sum(map(len, lines_of(provider))) == 20


def test_a_row_that_is_longer_than_a_whole_batch_fails_alone(triage, source, tickets, provider, connection_with):
    tickets[3].text = "word " * 2_000
    tickets[3].save()
    connection_with(BATCH_BYTES=6_000)
    job = start_job(triage, source, batch=True)
    to_the_end(job)
    assert counts(job) == {"succeeded": 19, "failed": 1}
    assert job.items.get(status=Item.Status.FAILED).error_kind == "too_long"


def test_the_worst_day_of_a_provider_ends_complete_with_only_the_missing_asked_again(
    job, tickets, provider, connection_with
):
    connection_with(BATCH_LINES=10)
    refused, failing = tickets[1].text, tickets[2].text
    # One line that will never do, one that fails once, a create that fails, and a batch that expires half done.
    provider.when(lambda request: request.text.endswith(refused), Status(400, message="No."))
    provider.when(lambda request: request.text.endswith(failing), Status(500), times=1)
    provider.when(lambda request: request.method == "POST" and request.path.endswith("/batches"), Status(500), times=1)
    provider.batches.will(BatchFate(ends="expired", done=0.5))
    to_the_end(job)
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 19, "failed": 1})
    failed = job.items.get(status=Item.Status.FAILED)
    assert (failed.error_kind, failed.variables["text"]) == ("bad_request", refused)
    files = lines_of(provider)
    sent = Counter(text for lines in files for text in lines)
    # Of the first one five were not asked, and of those that were, one failed at the provider's.
    assert sorted(text for text, times in sent.items() if times == 2) == sorted([*files[0][5:], failing])
    assert len(sent) == 20
    assert max(sent.values()) == 2
    assert held_and_settled() == (0, job.cost)
    assert provider.totals.answers == 19


@pytest.mark.parametrize("reply", [Refusal(), Length(), Answer("no JSON"), Answer(data={"category": "other"})])
def test_an_answer_that_may_not_be_passed_on_is_an_error_of_its_row(job, tickets, provider, reply):
    provider.when(lambda request: request.text.endswith(tickets[4].text), reply)
    to_the_end(job)
    assert counts(job) == {"succeeded": 19, "failed": 1}
    failed = job.items.get(status=Item.Status.FAILED)
    call = Call.objects.get(pk=failed.call_id)
    assert failed.error_kind in ("refused", "cut_off", "schema")
    assert call.cost > 0, "it was answered, and is billed"
    assert failed.data is None


def test_failed_rows_are_tried_again_in_another_batch(job, tickets, provider):
    provider.when(lambda request: request.text.endswith(tickets[4].text), Refusal(), times=1)
    to_the_end(job)
    assert retry_failed(job).count == 1
    to_the_end(job)
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    assert [batch.line_count for batch in job.batches.order_by("pk")] == [20, 1]


def test_a_row_is_put_into_three_batches_and_no_more(job, provider):
    provider.batches.usual = BatchFate(ends="expired", done=0.0)
    to_the_end(job)
    assert [batch.status for batch in job.batches.all()] == [Batch.Status.EXPIRED] * 3
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"failed": 20})
    assert {item.error_kind for item in job.items.all()} == {"unanswered"}
    assert held_and_settled() == (0, 0)
    assert Counter(Call.objects.values_list("status", "error_kind")) == {("failed", "unanswered"): 60}


def test_what_the_provider_has_lost_is_charged_at_its_hold_and_asked_again(job, provider):
    provider.batches.will(BatchFate(left_out=0.2))
    to_the_end(job)
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    unknown = Call.objects.filter(status=Call.Status.UNKNOWN)
    assert unknown.count() == job.unknown_costs == 4
    held, settled = held_and_settled()
    assert held == 0
    assert settled > job.cost


def test_a_batch_that_expires_without_a_word_of_the_rest_gives_it_back_for_nothing(job, provider):
    provider.batches.will(BatchFate(ends="expired", done=0.5, tells_expired=False))
    to_the_end(job)
    assert (job.status, counts(job), job.unknown_costs) == (Job.Status.FINISHED, {"succeeded": 20}, 0)
    assert held_and_settled() == (0, job.cost)


def test_a_batch_is_watched_for_as_long_as_it_takes(job, provider):
    provider.batches.will(BatchFate(stays=1, lines_a_look=5))
    work(job.pk)
    seen = []
    while job.status == Job.Status.RUNNING:
        a_minute_later(job)
        batch = job.batches.get()
        seen.append((batch.provider_status, batch.told_completed))
        assert len(seen) < 20
    assert ("validating", 0) in seen
    assert ("in_progress", 10) in seen
    assert seen[-1] == ("completed", 20)


def test_a_connection_without_batches_says_so_at_the_door(triage, source, provider):
    with pytest.raises(JobRefused, match="The connection “default” has no batches: run it live"):
        start_job(triage, source, batch=True)
    assert not Job.objects.exists()


def test_the_provider_keeps_no_file_of_it(job, provider):
    to_the_end(job)
    deleted = [request.path for request in provider.requests if request.method == "DELETE"]
    assert len(deleted) == 2, "the lines and the answers"
    assert created(provider) == 1
