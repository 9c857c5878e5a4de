"""A server that costs by the hour: each call its share of the time that it took."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from aiops import OpenAITransportError, get_async_openai_client, get_openai_client
from aiops.calls.models import Call
from aiops.execution.repricing import reprice
from aiops.gateway.connections import connection_from
from aiops.gateway.testing import Answer, Hang, Status
from aiops.gateway.usage import Usage
from aiops.jobs.quote import quote
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.ledger.errors import BudgetRefused
from aiops.ledger.models import Budget, BudgetPeriod, Hold
from aiops.ledger.own_prices import OwnPrice
from aiops.ledger.prices import price_of, share_of_hour

pytestmark = pytest.mark.django_db

HOUR_MS = 3_600_000
LOCAL = connection_from("local", {"BASE_URL": "http://127.0.0.1:8077/v1", "API_KEY": None, "FREE": True})


def by_the_hour(dollars="3.6", connection="default", model="*", **fields):
    price = OwnPrice(
        model=model,
        connection=connection,
        server_hour=Decimal(dollars),
        starts_at=timezone.now() - timedelta(days=9),
        **fields,
    )
    price.full_clean()
    price.save()
    return price


@pytest.fixture
def server(provider, settings, budget):
    """At $3.60 an hour: a millisecond costs 1,000 nano-dollars."""
    by_the_hour()
    connections = settings.AIOPS["CONNECTIONS"]
    default = {**connections["default"], "DEADLINE": 10, "CONNECT_TIMEOUT": 2}
    settings.AIOPS = settings.AIOPS | {"CONNECTIONS": {**connections, "default": default}}
    return provider


@pytest.mark.parametrize(
    ("an_hour", "took_ms", "nanos"),
    [
        (HOUR_MS * 1000, 7, 7000),
        (1, 1, 1),
        (HOUR_MS, 1, 1),
        (HOUR_MS + 1, 1, 2),
        (2_500_000_000, 1234, 856_945),
        (5, 0, 0),
    ],
)
def test_a_share_is_whole_nano_dollars_rounded_up(an_hour, took_ms, nanos):
    assert share_of_hour(an_hour, took_ms) == nanos


def test_a_call_costs_the_time_that_it_took(server):
    server.reply_with(Answer(text="Hello.", delay=0.05))
    get_openai_client().chat_completion("Hello.", max_tokens=20)
    call = Call.objects.get()
    assert call.total_ms >= 50
    assert call.cost == call.total_ms * 1000
    assert call.price == {
        "source": f"own price {OwnPrice.objects.get().pk}",
        "model": "*",
        "formula": 1,
        "nano_dollars_an_hour": 3_600_000_000,
    }
    assert BudgetPeriod.objects.get().settled == call.cost


def test_the_longest_that_it_can_take_is_held(server):
    get_openai_client().chat_completion("Hello. " * 1000, max_tokens=5000)
    [hold] = Hold.objects.all()
    # Ten seconds to answer, two until the server is reached.
    assert hold.amount == 12_000_000_000 // 1000
    assert BudgetPeriod.objects.get().held == 0


def test_a_server_that_counts_no_tokens_is_none_the_less_paid_by_its_time(server):
    server.reply_with(Answer(text="Hello.", usage=None))
    get_openai_client().chat_completion("Hello.")
    call = Call.objects.get()
    assert (call.input_tokens, call.cost) == (None, call.total_ms * 1000)


def test_a_stream_costs_its_time_too(server):
    pieces = list(get_openai_client().stream("Hello."))
    call = Call.objects.get()
    assert pieces
    assert call.cost == call.total_ms * 1000


def test_the_async_client_pays_the_same(server):
    async_to_sync(get_async_openai_client().chat_completion)("Hello.")
    call = Call.objects.get()
    assert call.cost == call.total_ms * 1000


def test_what_never_came_is_charged_at_its_hold(server, settings):
    connections = settings.AIOPS["CONNECTIONS"]
    default = {**connections["default"], "DEADLINE": 0.3}
    settings.AIOPS = settings.AIOPS | {"CONNECTIONS": {**connections, "default": default}}
    server.reply_with(Hang())
    with pytest.raises(OpenAITransportError):
        get_openai_client().chat_completion("Hello.")
    assert Call.objects.get().cost is None
    assert BudgetPeriod.objects.get().settled == 2_300_000


def test_what_surely_was_not_answered_costs_nothing(server):
    server.reply_with(Status(400))
    with pytest.raises(OpenAITransportError):
        get_openai_client().chat_completion("Hello.")
    assert (Call.objects.get().cost, BudgetPeriod.objects.get().settled) == (0, 0)


def test_a_budget_that_cannot_hold_for_the_longest_refuses(server):
    Budget.objects.update(cap=11_000_000)
    with pytest.raises(BudgetRefused, match=r"this may cost \$0\.012"):
        get_openai_client().chat_completion("Hello.")
    assert server.requests == []


def test_a_free_connection_costs_by_the_hour_once_it_has_a_price():
    assert price_of(LOCAL, "smollm2", timezone.now()).is_free
    by_the_hour(connection="local")
    price = price_of(LOCAL, "smollm2", timezone.now())
    assert (price.is_free, price.cost(Usage(input_tokens=10**9), 1), price.cost(None, None)) == (False, 1000, None)


def test_an_hour_for_nothing_is_free():
    by_the_hour("0", connection="local")
    price = price_of(LOCAL, "smollm2", timezone.now())
    assert (price.is_free, price.cost(None, None), price.ceiling_of(Usage(), seconds=9)) == (True, 0, 0)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"input_tokens": Decimal(1)}, "What costs by the hour costs nothing else"),
        ({"audio_hour": Decimal(0)}, "What costs by the hour costs nothing else"),
        ({"connection": ""}, "Name the connection to the server"),
        ({"tier": "batch"}, "the same in every tier"),
        ({"dollars": "-1"}, "greater than or equal to 0"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, sentence):
    with pytest.raises(ValidationError, match=sentence):
        by_the_hour(**fields)


@pytest.mark.parametrize("fields", [{"input_tokens": 1}, {"connection": ""}, {"tier": "batch"}])
def test_the_database_refuses_it_too(fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        OwnPrice.objects.create(**{"model": "a", "connection": "local", "server_hour": 1} | fields)


def test_calls_of_the_past_are_reckoned_by_their_time(provider, budget):
    client = get_openai_client()
    provider.reply_with(Answer(text="Hello."), Answer(text="Hello.", usage=None))
    client.chat_completion("Hello.")
    client.chat_completion("Hello.")
    assert [call.cost is None for call in Call.objects.order_by("pk")] == [False, True]
    by_the_hour()
    now = timezone.now()
    assert reprice(now - timedelta(days=1), now + timedelta(days=1)).changed == 2
    assert [call.cost for call in Call.objects.all()] == [call.total_ms * 1000 for call in Call.objects.all()]
    # Back to tokens: what was never counted stays as it was.
    OwnPrice.objects.get().delete()
    assert reprice(now - timedelta(days=1), now + timedelta(days=1)).changed == 1


def test_a_job_is_quoted_by_how_long_answers_took(server, triage, tickets):
    said = quote(triage, model_source("helpdesk.Ticket"))
    assert (said.cost, said.batch) == (None, None)
    assert said.sentences()[2] == (
        "at a cost that nobody knows: gpt-6-luna costs by the hour, and too few answers say how long one takes"
    )
    job = start_job(triage, model_source("helpdesk.Ticket"))
    work(job.pk)
    took = list(Call.objects.values_list("total_ms", flat=True))
    said = quote(triage, model_source("helpdesk.Ticket"))
    job.refresh_from_db()
    assert said.cost.low <= job.cost == sum(took) * 1000 <= said.cost.high
    assert said.cost.likely == pytest.approx(job.cost, abs=20 * 1000)
    assert said.batch is None


def test_the_page_of_a_call_says_what_its_time_cost(server, admin_client):
    get_openai_client().chat_completion("Hello.")
    html = admin_client.get(f"/admin/aiops/call/{Call.objects.get().pk}/change/").content.decode()
    assert "of a server at $3.60 an hour, from own price" in html


def test_the_catalogue_and_the_list_of_prices_say_so(server, admin_client):
    from aiops.catalogue.models import ModelCard

    card = ModelCard.objects.create(connection="default", model="gpt-6-luna")
    assert (
        "$3.60 an hour of the server" in admin_client.get(f"/admin/aiops/modelcard/{card.pk}/change/").content.decode()
    )
    assert "$3.6" in admin_client.get("/admin/aiops/ownprice/").content.decode()


def test_run_prompt_says_the_most_that_it_can_cost(server, triage, capsys):
    from django.core.management import call_command

    call_command("run_prompt", "triage", "--var", "text=Hello", "--dry-run", "--json")
    assert json.loads(capsys.readouterr().out)["most_cost"] == 12_000_000
