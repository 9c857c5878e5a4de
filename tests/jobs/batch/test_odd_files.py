"""Files of results that no provider should write: each row still comes to an end, and nothing wrong is passed on."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from aiops.cache.models import CachedAnswer
from aiops.calls.models import Call
from aiops.gateway.testing import Answer, Raw
from aiops.jobs.models import Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from project.helpdesk.models import Ticket
from tests.jobs.batch.conftest import a_minute_later, counts, held_and_settled, lines_of, to_the_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]

GOOD = {"category": "payment", "priority": "high"}


def body(text):
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "model": "gpt-6-luna", "choices": [choice], "usage": usage}


def line(call, text, **more):
    response = {"status_code": 200, "request_id": "req_1", "body": body(text)}
    return json.dumps({"id": "x", "custom_id": str(call.pk), "response": response, "error": None, **more}).encode()


@pytest.fixture
def written(job, provider):
    """Let the provider write this file of answers instead of its own; the job is worked off."""

    def write(make):
        work(job.pk)
        calls = list(Call.objects.order_by("item_id"))
        provider.when(lambda request: request.path.endswith("/content"), Raw(make(calls)), times=1)
        a_minute_later(job)
        job.refresh_from_db()
        return calls

    return write


def test_lines_that_are_cut_doubled_unknown_or_no_json_spoil_no_other(written, job, provider):
    def make(calls):
        good = [line(call, json.dumps(GOOD)) for call in calls[:10]]
        stranger = line(Call(pk=uuid4()), json.dumps(GOOD))
        odd = [b"", b"{", b"[1, 2]", b'{"custom_id": 7}', b'{"custom_id": "x"}', b"\xff\xfe\x00", b"[" * 100_000]
        return b"\n".join([*good, *odd, good[0], stranger, good[3][:40]])

    written(make)
    assert counts(job)["succeeded"] == 10
    # The provider says that it answered twenty: of ten nobody knows.
    assert Call.objects.filter(status=Call.Status.UNKNOWN).count() == 10
    to_the_end(job)
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    assert held_and_settled()[0] == 0


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        ({"status_code": 200, "body": None}, "malformed"),
        ({"status_code": 200, "body": "no JSON"}, "malformed"),
        ({"status_code": 200, "body": {"choices": []}}, "empty"),
        ({"status_code": 200, "body": {"choices": 7}}, "malformed"),
        ({"status_code": "200"}, "malformed"),
        ({"status_code": 401, "body": {"error": {"message": "No."}}}, "bad_key"),
        ({"status_code": 400, "body": {"error": {"code": "context_length_exceeded"}}}, "too_long"),
        ({"status_code": 429, "body": {"error": {"code": "insufficient_quota"}}}, "quota_exhausted"),
        ({"status_code": 200, "body": body("a\x00b \ud800 c")}, "schema"),
        ({"status_code": 200, "body": body("[" * 100_000)}, "schema"),
        ({"status_code": 200, "body": {**body(json.dumps(GOOD)), "usage": {"prompt_tokens": -3}}}, ""),
    ],
)
def test_a_line_ends_in_the_kind_of_error_that_a_live_answer_would(written, job, response, kind):
    def make(calls):
        odd = json.dumps({"custom_id": str(calls[0].pk), "response": response, "error": None}).encode()
        return b"\n".join([odd, *(line(call, json.dumps(GOOD)) for call in calls[1:])])

    calls = written(make)
    call = Call.objects.get(pk=calls[0].pk)
    assert call.error_kind == kind
    assert counts(job).get("failed", 0) == bool(kind)
    assert held_and_settled()[0] == 0


def test_what_was_taken_out_is_put_back_into_the_answer(triage, provider, connection_with):
    connection_with(REDACT=["aiops.redaction.detectors.emails"])
    schema_free = triage.prompt.add_version(
        messages=[{"role": "user", "content": "Repeat: {{ text }}"}], output_limit=100
    )
    Ticket.objects.create(subject="a", text="Write to ada@example.com, not to bob@example.com.")
    provider.when(lambda request: request.operation == "chat", lambda request: Answer(request.text))
    job = start_job(schema_free, model_source("helpdesk.Ticket"), batch=True)
    to_the_end(job)
    item = job.items.get()
    assert item.text == "Repeat: Write to ada@example.com, not to bob@example.com."
    assert "ada@example.com" not in Call.objects.get().output
    assert "example.com" not in lines_of(provider)[0][0]


def test_rows_that_are_alike_are_asked_once(triage, tickets, provider, connection_with):
    Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets[5:9]]).update(text="The same.")
    job = start_job(triage, model_source("helpdesk.Ticket"), batch=True)
    to_the_end(job)
    assert (job.duplicates, counts(job)) == (3, {"succeeded": 20})
    assert provider.totals.answers == 17


def test_an_answer_that_was_paid_for_before_is_given_again_instead(triage, source, provider, connection_with):
    triage.prompt.reuse_seconds = 3600
    triage.prompt.save()
    first = start_job(triage, source, batch=True)
    to_the_end(first)
    assert CachedAnswer.objects.count() == 20
    second = start_job(triage, source, batch=True)
    work(second.pk)
    second.refresh_from_db()
    assert (second.status, counts(second), second.cost) == (Job.Status.FINISHED, {"succeeded": 20}, 0)
    assert second.batches.count() == 0
    assert not Call.objects.filter(job_id=second.pk, batch_id__isnull=False).exists()
