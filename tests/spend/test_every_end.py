"""However a call ends, it is counted among those of its day, once."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from aiops import OpenAIClientError, get_async_openai_client, get_openai_client
from aiops.calls.models import Call
from aiops.calls.spend import Spend, bucket_of
from aiops.execution.lost import close_lost
from aiops.execution.window import close_window
from aiops.gateway.testing import Answer, CutStream, Hang, Status
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.ledger.own_prices import OwnPrice

pytestmark = [pytest.mark.usefixtures("budget"), pytest.mark.django_db]

MESSAGES = [{"role": "user", "content": "Hello."}]
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


def test_what_a_call_came_to_is_written_with_its_end(provider, triage, of, agree):
    from aiops.execution.answer import answer

    ada = User.objects.create_user("ada")
    provider.reply_with(Answer('{"category": "card", "priority": "low"}', usage=USAGE))
    answer(triage, {"text": "Where is my card?"}, user=ada)
    call = Call.objects.get()
    assert (call.cost, call.tokens_in, call.tokens_out) == (150_000, 1000, 100)
    where = [("all", ""), ("connection", "default"), ("model", call.model_answered), ("user", ada.pk)]
    for by, key in [*where, ("version", triage.pk)]:
        row = of(by, key)
        assert row.day == timezone.localdate()
        assert (row.calls, row.failed, row.unknown, row.unknown_costs, row.reused) == (1, 0, 0, 0, 0)
        assert (row.cost, row.saved, row.tokens_in, row.tokens_out) == (150_000, 0, 1000, 100)
        assert getattr(row, bucket_of(call.total_ms)) == 1
    assert Spend.objects.count() == 5
    agree(1)


def test_nothing_is_counted_while_it_is_under_way(provider, agree):
    stream = get_openai_client().stream("Hello.")
    next(iter(stream))
    assert Call.objects.open().count() == 1
    assert not Spend.objects.exists()
    list(stream)
    agree(1)


def test_blocking_awaited_and_by_the_sdk(provider, agree, of):
    client, aclient = get_openai_client(), get_async_openai_client()
    client.chat_completion("Hello.")
    client.sdk.chat.completions.create(model="gpt-6-luna", messages=MESSAGES)
    client.embed(["Hello."], model="text-embedding-3-small")

    async def ask():
        await asyncio.gather(*(aclient.chat_completion("Hello.") for _ in range(40)))

    async_to_sync(ask)()
    agree(43)
    assert of("connection", "default").calls == 43


def test_calls_that_end_together_are_counted_in_one_statement(provider, agree):
    aclient = get_async_openai_client()

    async def ask():
        await asyncio.gather(*(aclient.chat_completion("Hello.") for _ in range(40)))

    with CaptureQueriesContext(connection) as queries:
        async_to_sync(ask)()
    counted = [one for one in queries if 'INTO "aiops_spend"' in one["sql"]]
    closed = [one for one in queries if 'UPDATE "aiops_call" SET' in one["sql"]]
    assert 0 < len(counted) == len(closed) < 40
    agree(40)


def test_streams_to_their_end_cut_off_and_left(provider, agree, of):
    client = get_openai_client()
    list(client.stream("Hello."))
    provider.reply_with(CutStream(3))
    with suppress(OpenAIClientError):
        list(client.stream("Hello."))
    stream = client.stream("Hello.")
    next(iter(stream))
    stream.close()
    agree(3)
    assert of("all").unknown_costs >= 1


def test_failures_are_counted_apart(provider, agree, of):
    provider.reply_with(Status(400))
    with suppress(OpenAIClientError):
        get_openai_client().chat_completion("Hello.")
    get_openai_client().chat_completion("Hello.")
    assert (of("all").calls, of("all").failed) == (2, 1)
    # Nobody answered: it is counted for the model that was asked.
    assert of("model", "gpt-6-luna").failed == 1
    agree(2)


def test_an_answer_that_is_given_again_saves_what_it_cost(provider, agree, of):
    for _ in range(3):
        get_openai_client().chat_completion("Hello.", cache=True)
    paid = Call.objects.order_by("pk").first()
    assert (of("all").calls, of("all").reused, of("all").saved) == (3, 2, 2 * paid.cost)
    assert of("all").cost == paid.cost
    agree(3)


def test_rows_of_a_job(provider, triage, tickets, agree, of):
    provider.when(lambda _: True, Answer('{"category": "card", "priority": "low"}', usage=USAGE))
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    job.refresh_from_db()
    row = of("job", job.pk)
    assert (row.calls, row.cost, row.tokens_in) == (20, job.cost, job.tokens_in)
    assert of("version", triage.pk).calls == 20
    agree(20)


def test_a_call_whose_process_died(provider, agree, of):
    from tests.screens.rows import make_call

    make_call(status="sending", user=User.objects.create_user("ada"))
    for _ in range(2):
        with transaction.atomic():
            close_lost(Call.objects.all(), now=timezone.now())
    assert (of("all").calls, of("all").unknown, of("all").unknown_costs) == (1, 1, 1)
    agree(1)


def test_whoever_asked_goes_away(provider, agree, of):
    provider.reply_with(Hang())

    async def leave():
        task = asyncio.create_task(get_async_openai_client().chat_completion("Hello."))
        while not provider.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async_to_sync(leave)()
    assert of("all").unknown == 1
    agree(1)


def test_a_replay_counts_nothing_again(provider, agree):
    from aiops.execution.call import make_call as made
    from aiops.execution.prepare import About, prepare_request
    from aiops.gateway.dialects import Request

    request = Request(connection="default", model="gpt-6-luna", messages=MESSAGES, output_limit=20)
    outcome = made(prepare_request(request, About(), now=timezone.now()))
    with transaction.atomic():
        assert close_window([outcome]) == set()
    agree(1)


def test_what_is_undone_is_not_counted(provider):
    with suppress(ZeroDivisionError), transaction.atomic():
        from tests.screens.rows import make_call

        make_call(status="sending")
        close_lost(Call.objects.all(), now=timezone.now())
        assert Spend.objects.exists()
        raise ZeroDivisionError
    assert not Spend.objects.exists()


def test_another_price_changes_the_day(provider, agree, of):
    provider.when(lambda _: True, Answer(usage=USAGE))
    for _ in range(2):
        get_openai_client().chat_completion("Hello. " * 200, max_tokens=200)
    assert of("all").cost == 300_000
    rates = {"input_tokens": Decimal(2), "output_tokens": Decimal(2)}
    OwnPrice.objects.create(model="gpt-6-luna", starts_at=timezone.now() - timedelta(days=9), **rates)
    call_command("reprice_calls", "--since", "1d")
    assert of("all").cost == of("connection", "default").cost == 4_400_000
    agree(2)


def test_a_cost_that_becomes_known_is_not_unknown_any_more(provider, budget, agree, of):
    budget.active = False
    budget.save()
    get_openai_client().chat_completion("Hello.", model="house-model")
    assert (of("model", "house-model").unknown_costs, of("all").cost) == (1, 0)
    rates = {"input_tokens": Decimal(2), "output_tokens": Decimal(2)}
    OwnPrice.objects.create(model="house-model", starts_at=timezone.now() - timedelta(days=9), **rates)
    call_command("reprice_calls", "--since", "1d")
    assert of("model", "house-model").unknown_costs == of("all").unknown_costs == 0
    assert of("all").cost == Call.objects.get().cost > 0
    agree(1)


def test_calls_that_are_deleted_stay_counted(provider, of):
    get_openai_client().chat_completion("Hello.")
    Call.objects.all().delete()
    assert of("all").calls == 1
