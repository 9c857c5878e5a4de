"""The stand-in's batches: what OpenAI's do, as the SDK sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest

from aiops.gateway.testing import BatchFate, BatchFault, StandIn, Status


@pytest.fixture
def provider() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def client(provider):
    with openai.OpenAI(base_url=provider.base_url, api_key="stand-in", max_retries=0) as client:
        yield client


def line(number, **more):
    body = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": f"Row {number}"}]}
    return {"custom_id": f"row-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body, **more}


def uploaded(client, lines):
    content = b"".join(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in lines)
    return client.files.create(file=("lines.jsonl", content), purpose="batch")


def begun(client, lines, **more):
    file = uploaded(client, lines)
    given = {"endpoint": "/v1/chat/completions", "completion_window": "24h", **more}
    return client.batches.create(input_file_id=file.id, **given)


def results(client, file_id):
    return [json.loads(raw) for raw in client.files.content(file_id).content.splitlines()]


def test_every_line_is_answered_as_a_request_would_be(provider, client):
    batch = begun(client, [line(number) for number in range(30)], metadata={"ours": "7"})
    assert (batch.status, batch.metadata) == ("validating", {"ours": "7"})
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, batch.error_file_id) == ("completed", None)
    assert (batch.request_counts.total, batch.request_counts.completed) == (30, 30)
    told = results(client, batch.output_file_id)
    ids = [one["custom_id"] for one in told]
    assert sorted(ids) == sorted(f"row-{number}" for number in range(30))
    assert ids != [f"row-{number}" for number in range(30)], "their order is not kept"
    assert told[0]["response"]["status_code"] == 200
    assert told[0]["response"]["body"]["choices"][0]["message"]["content"]
    assert provider.totals.answers == 30


def test_lines_that_fail_stand_in_a_file_of_their_own(provider, client):
    provider.when(lambda request: "Row 2" in request.text, Status(400, message="No."))
    batch = client.batches.retrieve(begun(client, [line(number) for number in range(5)]).id)
    (error,) = results(client, batch.error_file_id)
    assert (error["custom_id"], error["response"]["status_code"]) == ("row-2", 400)
    assert error["response"]["body"]["error"]["message"] == "No."
    assert (batch.request_counts.completed, batch.request_counts.failed) == (4, 1)


def test_a_batch_that_expires_has_answered_some(provider, client):
    provider.batches.will(BatchFate(ends="expired", done=0.4))
    batch = client.batches.retrieve(begun(client, [line(number) for number in range(10)]).id)
    assert batch.status == "expired"
    assert len(results(client, batch.output_file_id)) == 4
    errors = results(client, batch.error_file_id)
    assert {one["error"]["code"] for one in errors} == {"batch_expired"}
    assert len(errors) == 6


def test_it_goes_through_its_states_one_look_after_the_other(provider, client):
    provider.batches.will(BatchFate(stays=1, lines_a_look=3))
    batch = begun(client, [line(number) for number in range(6)])
    seen = []
    while batch.status != "completed":
        batch = client.batches.retrieve(batch.id)
        seen.append(batch.status)
        assert len(seen) < 20
    assert [status for index, status in enumerate(seen) if status not in seen[:index]] == [
        "validating",
        "in_progress",
        "finalizing",
        "completed",
    ]


def test_a_cancelled_one_keeps_what_it_did(provider, client):
    provider.batches.will(BatchFate(stays=2, done=0.5))
    batch = begun(client, [line(number) for number in range(10)])
    batch = client.batches.cancel(batch.id)
    assert batch.status == "cancelling"
    while batch.status == "cancelling":
        batch = client.batches.retrieve(batch.id)
    assert batch.status == "cancelled"
    assert len(results(client, batch.output_file_id)) == 5
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(batch.id)


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        ([line(1), line(1)], "duplicate_custom_id", 2),
        ([line(1), b"{\n"], "invalid_json_line", 2),
        ([line(1, url="/v1/responses")], "mismatched_endpoint", 1),
        ([line(1), line(2, body={"model": "gpt-5", "messages": []})], "mismatched_model", 2),
        ([line(1, method="GET")], "invalid_method", 1),
        ([line(1, custom_id=7)], "missing_required_parameter", 1),
        ([line(number) for number in range(4)], "too_many_tasks", None),
        ([line(1, body={"model": "x" * 3_000})], "file_too_large", None),
        ([b"\n"], "empty_file", None),
    ],
)
def test_a_file_that_breaks_the_rules_fails_as_a_whole(provider, client, lines, code, number):
    provider.batches.most_lines, provider.batches.most_bytes = 3, 2_000
    batch = client.batches.retrieve(begun(client, lines).id)
    assert batch.status == "failed"
    (fault,) = batch.errors.data
    assert (fault.code, fault.line) == (code, number)
    assert (batch.output_file_id, provider.totals.answers) == (None, 0)


def test_it_fails_for_what_a_test_says(provider, client):
    provider.batches.will(BatchFate(ends="failed", faults=[BatchFault(code="model_not_found", message="No.")]))
    batch = client.batches.retrieve(begun(client, [line(1)]).id)
    assert (batch.status, batch.errors.data[0].message) == ("failed", "No.")


@pytest.mark.parametrize(
    "wrong", [{"endpoint": "/v1/images"}, {"completion_window": "1h"}, {"metadata": {str(n): "x" for n in range(17)}}]
)
def test_a_batch_that_makes_no_sense_is_refused(client, wrong):
    with pytest.raises(openai.BadRequestError):
        begun(client, [line(1)], **wrong)


def test_a_file_for_something_else_is_refused(client):
    file = client.files.create(file=("a.jsonl", b"{}"), purpose="user_data")
    for file_id in (file.id, "file-gone"):
        with pytest.raises(openai.BadRequestError):
            client.batches.create(input_file_id=file_id, endpoint="/v1/responses", completion_window="24h")


def test_all_are_listed_the_newest_first_page_by_page(client):
    ids = [begun(client, [line(1)]).id for _ in range(5)]
    page = client.batches.list(limit=2)
    assert ([batch.id for batch in page.data], page.has_more) == (ids[:2:-1], True)
    assert [batch.id for batch in client.batches.list(limit=2)] == ids[::-1]
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch_gone")
