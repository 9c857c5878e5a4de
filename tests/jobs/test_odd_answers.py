"""One answer that is odd beyond belief costs one row: its neighbours are paid for, and are kept."""

import json

import pytest
from django.db import connection

from aiops.calls.models import Call
from aiops.gateway.testing import Answer, Disconnect, Raw
from aiops.jobs.models import Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.ledger.models import BudgetPeriod

pytestmark = [pytest.mark.usefixtures("budget"), pytest.mark.django_db(transaction=True)]

GOOD = {"category": "payment", "priority": "high"}


def body(*, usage=None, **choice):
    whole = {"finish_reason": "stop", "message": {"role": "assistant", "content": json.dumps(GOOD)}} | choice
    return {"model": "gpt-6-luna", "choices": [whole], "usage": usage or {"prompt_tokens": 9, "completion_tokens": 9}}


def nested(levels):
    return b"[" * levels + b"]" * levels


ODD = {
    "a count beyond every column": body(usage={"prompt_tokens": 10**20, "completion_tokens": 1}),
    "a count beyond a column of PostgreSQL": body(usage={"prompt_tokens": 3 * 10**9, "completion_tokens": 1}),
    "a count that is no number": body(usage={"prompt_tokens": float("nan"), "completion_tokens": 1}),
    "a NUL in the usage": body(usage={"prompt_tokens": 1, "completion_tokens": 1, "tier": "a\0b"}),
    "half a character in the usage": body(usage={"prompt_tokens": 1, "completion_tokens": 1, "\ud800": "\ud800"}),
    "usage without a bottom": json.dumps(body(usage={"x": "@"})).encode().replace(b'"@"', nested(900)),
    "details that are a list": body(usage={"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": [1]}),
    "a NUL in the finish reason": body(finish_reason="st\0p"),
    "half a character in the finish reason": body(finish_reason="\ud800"),
    "a finish reason that is a list": body(finish_reason=["stop"]),
    "a message that is a text": body(message="hello"),
    "a choice that is a text": {"choices": ["hello"]},
    "choices that are a text": {"choices": "hello"},
    "a list": [1, 2, 3],
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_fields_of_an_answer_stop_no_other_row(triage, tickets, provider, odd):
    payload = ODD[odd]
    provider.when(
        lambda request: tickets[3].text in request.text,
        Raw(payload if isinstance(payload, bytes) else json.dumps(payload).encode()),
    )
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED
    ended = job.items.count_by_status()
    assert ended["succeeded"] >= 19
    assert ended["succeeded"] + ended["failed"] == 20
    assert not Call.objects.open().exists()
    assert BudgetPeriod.objects.get().held == 0
    assert len(provider.requests) == 20


def test_an_answer_without_a_bottom_breaks_its_schema_and_is_kept(triage, provider, tickets):
    text = '{"a":' * 500 + "1" + "}" * 500
    provider.when(lambda request: tickets[3].text in request.text, Answer(text))
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    failed = job.items.failed().get()
    assert (failed.position, failed.error_text) == (4, "The output breaks its schema: it is nested too deeply")
    assert Call.objects.get(pk=failed.call_id).output == text


@pytest.fixture
def picky_database(transactional_db):
    """A database that refuses one output: a constraint of the shop's own, a trigger, a full tablespace."""
    name = connection.ops.quote_name(Call._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                f"CREATE TRIGGER picky BEFORE UPDATE ON {name} WHEN NEW.output LIKE '%poison%' "
                "BEGIN SELECT RAISE(ABORT, 'no poison'); END"
            )
        else:
            cursor.execute(f"ALTER TABLE {name} ADD CONSTRAINT picky CHECK (output NOT LIKE '%%poison%%')")
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            "DROP TRIGGER picky" if connection.vendor == "sqlite" else f"ALTER TABLE {name} DROP CONSTRAINT picky"
        )


def test_what_the_database_refuses_is_an_error_of_its_row_alone(triage, tickets, provider, picky_database):
    provider.when(lambda request: tickets[3].text in request.text, Answer("poison"))
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED
    failed = job.items.failed().get()
    assert (failed.position, failed.error_kind) == (4, "malformed")
    assert failed.error_text == "The provider's answer could not be kept (IntegrityError)."
    assert job.items.count_by_status()["succeeded"] == 19
    assert job.unknown_costs == 1
    assert BudgetPeriod.objects.get().held == 0


def test_a_call_that_breaks_after_a_second_hold_gives_that_one_back_too(triage, tickets, provider):
    provider.when(lambda request: tickets[3].text in request.text, Disconnect(), times=1)
    provider.when(lambda request: tickets[3].text in request.text, Raw(json.dumps(body(message="hello")).encode()))
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    failed = job.items.failed().get()
    call = Call.objects.get(pk=failed.call_id)
    assert (failed.error_kind, call.attempt_count) == ("malformed", 2)
    assert call.output == json.dumps(body(message="hello"))
    assert BudgetPeriod.objects.get().held == 0
