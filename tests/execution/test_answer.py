"""One prompt, end to end, against a real server: what is recorded, held and settled, whatever comes of it."""

import asyncio
from threading import Thread

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from aiops.calls.models import Call
from aiops.durable import InTransaction
from aiops.execution.answer import aanswer, answer
from aiops.execution.errors import ForbiddenParameter
from aiops.gateway.connections import MissingKey, UnknownConnection
from aiops.gateway.testing import Answer, CutJson, Disconnect, Length, Refusal, Status
from aiops.ledger.errors import BudgetRefused, UnpricedModel
from aiops.ledger.models import Budget, BudgetPeriod, Hold
from prompts.errors import UndefinedVariable

TICKET = {"text": "I was charged twice."}
GOOD = Answer(data={"category": "payment", "priority": "high"})


def spent():
    period = BudgetPeriod.objects.get()
    return period.held, period.settled


def test_an_answer_is_validated_priced_and_logged(triage, provider, budget, tickets, django_user_model):
    ada = django_user_model.objects.create(username="ada")
    provider.reply_with(GOOD)
    outcome = answer(triage, TICKET, user=ada, row=tickets[0])
    assert outcome.succeeded
    assert outcome.data == {"category": "payment", "priority": "high"}
    call = Call.objects.get()
    assert call.id == outcome.call_id
    assert call.status == Call.Status.SUCCEEDED
    assert call.prompt_version == triage
    assert (call.connection, call.model_asked, call.model_answered) == ("default", "gpt-6-luna", "gpt-6-luna")
    assert call.messages[1] == {"role": "user", "content": "I was charged twice."}
    assert call.data == outcome.data
    assert call.finish_reason == "stop"
    assert (call.tokens_in, call.tokens_out) == (provider.totals.prompt_tokens, provider.totals.completion_tokens)
    # gpt-6-luna: 0.10 and 0.50 dollars a million tokens.
    assert call.cost == call.tokens_in * 100 + call.tokens_out * 500
    assert call.price["model"] == "gpt-6-luna"
    assert call.usage["prompt_tokens"] == call.tokens_in
    assert (call.user, call.row_type.model_class(), call.row_key) == (ada, type(tickets[0]), str(tickets[0].pk))
    assert call.provider_request_id
    assert call.total_ms >= call.first_byte_ms
    assert call.attempts == []
    assert spent() == (0, call.cost)


@pytest.mark.django_db(transaction=True)
def test_the_record_and_the_hold_are_committed_before_the_request_leaves(triage, provider, budget):
    seen = []

    def look():
        # A connection of its own to the database sees only what is committed.
        seen.append((Call.objects.get().status, Hold.objects.get().state))
        connection.close()

    def when_it_arrives(request):
        thread = Thread(target=look)
        thread.start()
        thread.join()
        return True

    provider.when(when_it_arrives, GOOD)
    answer(triage, TICKET)
    assert seen == [("sending", "held")]


@pytest.mark.django_db(transaction=True)
def test_without_blocking(triage, provider, budget):
    provider.reply_with(GOOD)

    async def once():
        try:
            return await aanswer(triage, TICKET)
        finally:
            # Looked up in the thread that the calls were made in: each has a connection of its own.
            await sync_to_async(lambda: connection.close())()

    outcome = asyncio.run(once())
    assert outcome.data == {"category": "payment", "priority": "high"}
    assert spent() == (0, Call.objects.get().cost)


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (Answer(text="payment"), "schema", "The output breaks its schema: it is not JSON"),
        (Answer(text="[" * 100_000), "schema", "The output breaks its schema: it is"),
        (Answer(data={"category": "refund", "priority": "high"}), "schema", "The output breaks its schema: category:"),
        (Answer(data={"category": "payment"}), "schema", "The output breaks its schema: "),
        (Refusal(), "refused", "The model declined"),
        (Length(), "cut_off", "The answer was cut off at its output limit; raise the output limit."),
    ],
)
def test_what_may_not_be_passed_on_is_kept_and_paid_for(triage, provider, budget, reply, kind, text):
    provider.reply_with(reply)
    outcome = answer(triage, TICKET)
    assert not outcome.succeeded
    assert outcome.data is None
    assert outcome.error_kind == kind
    assert outcome.error_text.startswith(text)
    call = Call.objects.get()
    assert (call.status, call.data) == (Call.Status.FAILED, None)
    assert call.output
    assert call.cost > 0
    assert spent() == (0, call.cost)
    assert len(provider.requests) == 1


def test_an_answer_that_is_none_is_charged_at_its_hold_and_its_cost_is_unknown(triage, provider, budget):
    provider.reply_with(CutJson())
    outcome = answer(triage, TICKET)
    assert (outcome.error_kind, outcome.cost) == ("malformed", None)
    call = Call.objects.get()
    assert call.output.startswith("{")
    assert call.cost is None
    assert spent() == (0, Hold.objects.get().amount)


def test_a_free_connection_costs_nothing_even_where_the_answer_is_none(triage, provider, budget, settings):
    free = {**settings.AIOPS["CONNECTIONS"]["default"], "FREE": True}
    settings.AIOPS = {"CONNECTIONS": {"default": free}}
    provider.reply_with(Disconnect(), CutJson())
    outcome = answer(triage, TICKET)
    assert (outcome.error_kind, outcome.cost) == ("malformed", 0)
    assert Call.objects.get().cost == 0


def test_what_a_version_shows_the_model_beside_its_messages_is_held_for(triage, provider, budget):
    tools = [{"type": "function", "function": {"name": "look", "description": "x" * 5_000}}]
    asked = {"messages": triage.messages, "schema": triage.schema, "output_limit": triage.output_limit}
    provider.reply_with(GOOD, GOOD)
    answer(triage.prompt.add_version(**asked, parameters={"temperature": 0}), TICKET)
    answer(triage.prompt.add_version(**asked, parameters={"tools": tools}), TICKET)
    plain, with_tools = Hold.objects.order_by("pk").values_list("amount", flat=True)
    # A cache write of gpt-6-luna is the dearest that a token of input can cost: 125 nano-dollars.
    assert with_tools - plain > 5_000 * 125


def test_a_rate_limit_is_waited_for_on_the_same_hold(triage, provider, budget):
    provider.reply_with(Status(429, retry_after="0"), Status(500), GOOD)
    assert answer(triage, TICKET).succeeded
    call = Call.objects.get()
    assert call.attempt_count == 3
    assert [(one["number"], one["kind"], one["status"], one["billed"]) for one in call.attempts] == [
        (1, "rate_limited", 429, "no"),
        (2, "server_fault", 500, "no"),
    ]
    assert call.attempts[0]["waited"] >= 0.5
    assert Hold.objects.count() == 1
    assert spent() == (0, call.cost)


def test_an_attempt_that_may_be_billed_is_charged_and_the_next_has_a_hold_of_its_own(triage, provider, budget):
    provider.reply_with(Disconnect(), GOOD)
    outcome = answer(triage, TICKET)
    assert outcome.succeeded
    assert outcome.cost is None, "one attempt's cost is unknown, and so is the call's"
    first, second = Hold.objects.order_by("attempt")
    assert (first.attempt, first.settled) == (1, first.amount)
    assert (second.attempt, second.state) == (2, Hold.State.SETTLED)
    assert second.settled < second.amount
    assert spent() == (0, first.settled + second.settled)


def test_where_there_is_no_money_for_another_attempt_the_first_failure_stands(triage, provider, budget):
    provider.reply_with(GOOD)
    answer(triage, TICKET)
    amount = Hold.objects.get().amount
    Hold.objects.all().delete()
    BudgetPeriod.objects.update(cap=amount, settled=0)
    provider.reset()
    provider.reply_with(Disconnect(), GOOD)
    outcome = answer(triage, TICKET)
    assert outcome.error_kind == "interrupted"
    assert len(provider.requests) == outcome.end.attempt_count == 1
    assert spent() == (0, amount)


def test_an_exhausted_account_is_not_asked_again_and_costs_nothing(triage, provider, budget):
    provider.reply_with(Status(429, code="insufficient_quota"))
    outcome = answer(triage, TICKET)
    assert (outcome.error_kind, outcome.cost) == ("quota_exhausted", 0)
    assert len(provider.requests) == 1
    assert spent() == (0, 0)
    assert Hold.objects.get().state == Hold.State.RELEASED


def test_a_provider_that_is_down_costs_nothing(triage, provider, budget, settings):
    provider.stop()
    outcome = answer(triage, TICKET)
    assert outcome.error_kind == "unreachable"
    assert outcome.error_text == (
        "After 5 attempts: The provider cannot be reached; check its address and that it is running."
    )
    assert spent() == (0, 0)


def test_the_price_is_that_of_the_model_that_answered(triage, provider, budget):
    provider.reply_with(Answer(data={"category": "payment", "priority": "high"}, model="gpt-6.1-terra"))
    answer(triage, TICKET)
    call = Call.objects.get()
    assert (call.model_asked, call.model_answered, call.price["model"]) == (
        "gpt-6-luna",
        "gpt-6.1-terra",
        "gpt-6.1-terra",
    )


class TestRefusedBeforeAnythingIsMade:
    @pytest.fixture(autouse=True)
    def nothing_left_behind(self, provider, budget):
        yield
        assert provider.requests == []
        assert not Call.objects.exists()
        assert not Hold.objects.exists()

    def test_a_variable_that_is_missing(self, triage):
        with pytest.raises(UndefinedVariable):
            answer(triage, {"txt": "I was charged twice."})

    def test_an_unknown_connection(self, triage):
        with pytest.raises(UnknownConnection):
            answer(triage, TICKET, connection="opnai")

    def test_no_key(self, triage, settings):
        settings.AIOPS = {"CONNECTIONS": {"default": {"BASE_URL": "https://api.openai.com/v1", "API_KEY": ""}}}
        with pytest.raises(MissingKey):
            answer(triage, TICKET)

    def test_no_room_in_the_budget(self, triage):
        Budget.objects.update(cap=100)
        with pytest.raises(BudgetRefused, match=r"has \$0\.00000010 left"):
            answer(triage, TICKET)

    def test_a_model_whose_price_nobody_knows(self, triage):
        with pytest.raises(UnpricedModel, match="Nobody knows what “our-own” costs"):
            answer(triage, TICKET, model="our-own")

    @pytest.mark.parametrize("parameters", [{"best_of": 5}, {"service_tier": "priority"}])
    def test_a_parameter_that_would_cost_more_than_is_held(self, triage, parameters):
        version = triage.prompt.add_version(messages=triage.messages, parameters=parameters, output_limit=100)
        with pytest.raises(ForbiddenParameter, match="may not be set in a version"):
            answer(version, TICKET)

    @pytest.mark.django_db(transaction=True)
    def test_inside_a_transaction(self, triage):
        with transaction.atomic(), pytest.raises(InTransaction, match="may not be made inside a transaction"):
            answer(triage, TICKET)


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_where_the_shop_allows_it(triage, provider, budget, settings):
    settings.AIOPS = {**settings.AIOPS, "IN_TRANSACTION": "allow"}
    provider.reply_with(GOOD)
    with transaction.atomic():
        assert answer(triage, TICKET).succeeded


def test_without_a_budget_a_model_of_unknown_price_may_be_asked(triage, provider, budget):
    Budget.objects.update(active=False)
    provider.reply_with(GOOD)
    outcome = answer(triage, TICKET, model="our-own")
    assert outcome.succeeded
    assert outcome.cost is None
    assert Call.objects.get().price is None
    assert not Hold.objects.exists()


def test_users_are_those_of_the_shop(triage, provider, budget):
    provider.reply_with(GOOD)
    answer(triage, TICKET)
    assert Call._meta.get_field("user").related_model is get_user_model()
    assert Call.objects.get().user is None
