"""Awaited calls that come together: what they share, and what they do not."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from aiops import REFUSALS, calls_about, get_async_openai_client, track_costs
from aiops.calls.models import Call
from aiops.durable import InTransaction
from aiops.execution.call import amake_call
from aiops.execution.prepare import About, prepare_request
from aiops.gateway.dialects import Request
from aiops.gateway.testing import Answer, Hang, Status
from aiops.ledger.errors import BudgetRefused, UnpricedModel
from aiops.ledger.models import BudgetPeriod, Hold

pytestmark = [pytest.mark.usefixtures("budget", "provider"), pytest.mark.django_db]


def together(*questions, **arguments):
    """Asks all of them at once; what came of each. A question may bring arguments of its own."""
    client = get_async_openai_client()

    async def ask():
        calls = [
            client.chat_completion(**{"messages": "Hello.", "max_tokens": 20, **arguments, **question})
            for question in questions
        ]
        return await asyncio.gather(*calls, return_exceptions=True)

    return async_to_sync(ask)()


def money():
    period = BudgetPeriod.objects.get()
    return period.held, period.settled


def test_they_share_transactions():
    together({})
    with CaptureQueriesContext(connection) as for_one:
        together({})
    with CaptureQueriesContext(connection) as for_many:
        answers = together(*[{}] * 30)
    assert {answer.choices[0].finish_reason for answer in answers} == {"stop"}
    assert Call.objects.filter(status="succeeded").count() == 32
    # All are opened at once; they end one after the other, and still many at a time.
    inserts = [query for query in for_many if 'INSERT INTO "aiops_call"' in query["sql"]]
    assert len(inserts) == 1
    assert len(for_many) < 15 * len(for_one)
    assert money() == (0, sum(Call.objects.values_list("cost", flat=True)))


def test_one_that_makes_no_sense_is_refused_alone(provider):
    answers = together({}, {"temperature": 9}, {"messages": ""}, {})
    assert [type(answer).__name__ for answer in answers] == [
        "ChatCompletion",
        "ValueError",
        "ValueError",
        "ChatCompletion",
    ]
    assert len(provider.requests) == Call.objects.count() == 2


def test_one_whose_price_nobody_knows_is_refused_alone():
    answers = together({}, {"model": "nobodys"}, {}, {"model": "nobodys"}, {})
    assert [isinstance(answer, UnpricedModel) for answer in answers] == [False, True, False, True, False]
    assert Call.objects.filter(status="succeeded").count() == 3


def test_one_that_is_too_dear_leaves_the_money_to_those_behind_it(budget):
    together({})
    budget.cap = 10**7
    budget.save()
    BudgetPeriod.objects.update(cap=10**7, settled=0)
    answers = together({}, {"max_tokens": 100_000}, {})
    assert [isinstance(answer, BudgetRefused) for answer in answers] == [False, True, False]
    assert money()[0] == 0


def test_what_no_database_can_hold_stops_no_other():
    client = get_async_openai_client()
    messages = [{"role": "user", "content": "Hello."}]

    def unfit():
        request = Request(connection="default", model="gpt-6-luna", messages=messages, output_limit=20)
        return prepare_request(request, About(item_id=2**70), now=timezone.now())

    async def ask():
        calls = [client.chat_completion("Hello."), amake_call(unfit), client.chat_completion("Hello.")]
        return await asyncio.gather(*calls, return_exceptions=True)

    first, second, third = async_to_sync(ask)()
    assert isinstance(second, DataError | OverflowError)
    assert first.choices and third.choices
    assert Call.objects.filter(status="succeeded").count() == Call.objects.count() == 2


def test_each_is_made_as_by_its_own_task():
    people = [User.objects.create_user(name) for name in ("ada", "bob", "eve")]
    client = get_async_openai_client()

    async def ask(person):
        with calls_about(by=person, purpose=person.username), track_costs() as costs:
            answer = await client.chat_completion("Hello.")
        return [str(call_id) for call_id in costs.call_ids] == [str(answer.call_id)], answer.call_id

    async def all_of_them():
        return await asyncio.gather(*map(ask, people))

    for person, (counted, call_id) in zip(people, async_to_sync(all_of_them)(), strict=True):
        call = Call.objects.get(pk=call_id)
        assert (call.user_id, call.purpose) == (person.pk, person.username)
        assert counted, "what one task spends is counted for it alone"


@pytest.mark.django_db(transaction=True)
def test_inside_somebodys_transaction_all_are_refused(provider):
    with transaction.atomic():
        answers = together({}, {}, {})
    assert [type(answer) for answer in answers] == [InTransaction] * 3
    assert InTransaction in REFUSALS
    assert provider.requests == [] and not Call.objects.exists()


def test_a_task_that_is_cancelled_before_its_call_left_leaves_nothing_behind(provider):
    client = get_async_openai_client()

    async def ask():
        tasks = [asyncio.ensure_future(client.chat_completion("Hello.")) for _ in range(5)]
        # Begun, and waiting to be opened.
        await asyncio.sleep(0)
        for task in tasks[1:4]:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = async_to_sync(ask)()
    assert [isinstance(answer, asyncio.CancelledError) for answer in answers] == [False, True, True, True, False]
    assert len(provider.requests) == Call.objects.count() == 2
    assert money()[0] == 0
    assert not Hold.objects.filter(state=Hold.State.HELD).exists()


def test_a_task_that_is_cancelled_between_attempts_leaves_what_had_failed(provider):
    provider.reply_with(Status(500), Hang())
    client = get_async_openai_client()

    async def ask():
        task = asyncio.ensure_future(client.chat_completion("Hello."))
        while len(provider.requests) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])

    async_to_sync(ask)()
    call = Call.objects.get()
    assert (call.status, call.error_kind, call.attempt_count) == ("unknown", "abandoned", 2)
    assert [(attempt["number"], attempt["status"]) for attempt in call.attempts] == [(1, 500)]
    assert money()[0] == 0


def test_an_event_loop_that_ends_in_the_middle_leaves_no_call_open(provider, run, transactional_db):
    provider.when(lambda request: True, lambda request: Answer(delay=0.05))
    client = get_async_openai_client()

    async def ask():
        for _ in range(40):
            asyncio.ensure_future(client.chat_completion("Hello."))  # noqa: RUF006
        await asyncio.sleep(0.05)

    run(ask())
    assert not Call.objects.open().exists()
    assert not Hold.objects.filter(state=Hold.State.HELD).exists()
