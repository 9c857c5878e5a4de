"""Somebody else is asked where the first one fails for a reason that was foreseen: what is sent, paid and logged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync

from aiops import (
    Fallback,
    OpenAIClientError,
    OpenAITransportError,
    RetryPolicy,
    get_async_openai_client,
    get_openai_client,
)
from aiops.calls.models import Call
from aiops.execution import cooldown
from aiops.execution.fallbacks import REASONS
from aiops.gateway.clients import close_sync_clients
from aiops.gateway.testing import (
    Answer,
    CutStream,
    Disconnect,
    Filtered,
    Hang,
    Length,
    Refusal,
    StandIn,
    Status,
)
from aiops.ledger.models import Budget, BudgetPeriod, Hold

pytestmark = [pytest.mark.usefixtures("budget"), pytest.mark.django_db]

ASK = [{"role": "user", "content": "What is a chargeback?"}]
ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def connections(settings):
    """Changes options of connections, or adds some."""

    def change(**options):
        now = settings.AIOPS["CONNECTIONS"]
        changed = {alias: {**now.get(alias, now["default"]), **given} for alias, given in options.items()}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**now, **changed}}

    return change


@pytest.fixture
def spare(provider, connections):
    """Another provider, which is asked for a dearer model."""
    with StandIn() as other:
        connections(spare={"BASE_URL": other.base_url, "MODEL": "gpt-6-sol"})
        yield other
        close_sync_clients()


def blocking(**arguments):
    return get_openai_client().chat_completion(ASK, **arguments).choices[0].message.content


def awaited(**arguments):
    answer = async_to_sync(get_async_openai_client().chat_completion)(ASK, **arguments)
    return answer.choices[0].message.content


def streamed(**arguments):
    return list(get_openai_client().stream(ASK, **arguments))[-1].text


def streamed_awaited(**arguments):
    async def all_of_it():
        return [piece async for piece in get_async_openai_client().stream(ASK, **arguments)][-1].text

    return async_to_sync(all_of_it)()


@pytest.fixture(params=[blocking, awaited, streamed, streamed_awaited], ids=lambda way: way.__name__)
def ask(request):
    return request.param


def settled():
    """Each hold's attempt, state and what was charged of it."""
    return list(Hold.objects.order_by("attempt").values_list("attempt", "state", "settled"))


def money():
    period = BudgetPeriod.objects.get()
    return period.held, period.settled


FAILING = {
    "transport: unreachable server": (Status(503), "server_fault", "transport"),
    "transport: bad key": (Status(401), "bad_key", "transport"),
    "transport: no credit": (Status(429, code="insufficient_quota"), "quota_exhausted", "transport"),
    "transport: lost": (Disconnect(), "interrupted", "transport"),
    "rate": (Status(429, retry_after="0"), "rate_limited", "rate"),
    "context": (Status(400, code="context_length_exceeded"), "too_long", "context"),
    "filter": (Filtered(), "filtered", "filter"),
    "declined": (Refusal("No."), "refused", "filter"),
    "schema: nothing in it": (Answer(text=""), "empty", "schema"),
}


@pytest.mark.parametrize("case", FAILING)
def test_for_each_reason_somebody_else_is_asked(ask, case, provider, spare):
    reply, kind, reason = FAILING[case]
    provider.reply_with(reply)
    spare.reply_with("A payment taken back.")
    text = ask(retry=ONCE, fallbacks=[Fallback(connection="spare", on=frozenset({reason}))])
    assert text == "A payment taken back."
    assert (len(provider.requests), len(spare.requests)) == (1, 1)
    call = Call.objects.get()
    assert (call.status, call.error_kind, call.attempt_count) == ("succeeded", "", 2)
    assert (call.connection, call.connection_answered) == ("default", "spare")
    assert (call.model_asked, call.model_answered) == ("gpt-6-luna", "gpt-6-sol")
    [failed] = call.attempts
    told = {name: failed[name] for name in ("number", "kind", "connection", "model")}
    assert told == {"number": 1, "kind": kind, "connection": "default", "model": "gpt-6-luna"}
    assert 0 <= failed["waited"] < 60
    held, spent = money()
    assert (held, spent) == (0, sum(charged for _, _, charged in settled()))


@pytest.mark.parametrize("case", FAILING)
def test_for_another_reason_nobody_is(ask, case, provider, spare):
    reply, kind, reason = FAILING[case]
    provider.reply_with(reply)
    others = frozenset(REASONS) - {reason}
    with pytest.raises(OpenAIClientError) as caught:
        ask(retry=ONCE, fallbacks=[Fallback(connection="spare", on=others)])
    assert caught.value.kind == kind
    assert spare.requests == []
    call = Call.objects.get()
    assert (call.connection_answered, call.attempt_count, len(call.attempts)) == ("", 1, 1)
    assert money()[0] == 0


def test_a_broken_schema_is_asked_of_somebody_else(provider, spare):
    provider.reply_with("I would rather not.")
    spare.reply_with({"category": "card"})
    fallback = Fallback(connection="spare", on=frozenset({"schema"}))
    assert get_openai_client().chat_completion_json(ASK, fallbacks=[fallback]) == {"category": "card"}
    call = Call.objects.get()
    [failed] = call.attempts
    assert (failed["kind"], failed["status"], failed["billed"]) == ("schema", 200, "yes")
    assert call.data == {"category": "card"}


@pytest.mark.parametrize("way", [blocking, awaited])
def test_every_attempt_costs_its_own_price(way, provider, spare):
    provider.reply_with(Length("A payment ta"))
    spare.reply_with("A payment taken back.")
    way(fallbacks=[Fallback(connection="spare", on=frozenset({"schema"}))])
    call = Call.objects.get()
    assert call.price["model"] == "gpt-6-sol"
    # gpt-6-luna: 0.10 and 0.50 dollars a million tokens.
    first = provider.totals.prompt_tokens * 100 + provider.totals.completion_tokens * 500
    rates = call.price["nano_dollars_per_token"]
    dear_in, dear_out = (int(Decimal(rates[bucket][0][1])) for bucket in ("input_tokens", "output_tokens"))
    second = spare.totals.prompt_tokens * dear_in + spare.totals.completion_tokens * dear_out
    assert second > first
    assert settled() == [(1, "settled", first), (2, "settled", second)]
    assert call.cost == first + second
    assert money() == (0, call.cost)


def test_an_unknown_cost_stays_unknown_and_is_charged_at_its_hold(ask, provider, spare):
    provider.reply_with(Disconnect())
    spare.reply_with("Fine.")
    ask(retry=ONCE, fallbacks=["spare"])
    call = Call.objects.get()
    assert call.cost is None
    first, second = Hold.objects.order_by("attempt")
    assert first.settled == first.amount
    assert second.settled < second.amount
    assert money() == (0, first.settled + second.settled)


def test_what_surely_was_not_billed_is_given_back(ask, provider, spare):
    provider.reply_with(Status(503))
    spare.reply_with("Fine.")
    ask(retry=ONCE, fallbacks=["spare"])
    call = Call.objects.get()
    [first, second] = settled()
    assert first == (1, "released", 0)
    assert second == (2, "settled", call.cost)
    assert money() == (0, call.cost)


def test_the_first_is_sent_again_before_somebody_else_is_asked(ask, provider, spare):
    provider.reply_with(Status(503), Status(429, retry_after="0"))
    spare.reply_with("Fine.")
    ask(retry=RetryPolicy(attempts=2), fallbacks=["spare"])
    call = Call.objects.get()
    assert [(one["number"], one["kind"]) for one in call.attempts] == [(1, "server_fault"), (2, "rate_limited")]
    assert (call.attempt_count, call.connection_answered) == (3, "spare")
    assert call.attempts[0]["waited"] >= 0.5, "the wait is told"


def test_the_chain_goes_on_until_somebody_answers(ask, provider, spare, connections):
    provider.reply_with(Status(401), "Here I am.")
    spare.reply_with(Status(503))
    connections(third={})
    assert ask(retry=ONCE, fallbacks=["spare", Fallback(connection="third", model="gpt-6.1-terra")]) == "Here I am."
    call = Call.objects.get()
    assert [(one["kind"], one["connection"], one["model"]) for one in call.attempts] == [
        ("bad_key", "default", "gpt-6-luna"),
        ("server_fault", "spare", "gpt-6-sol"),
    ]
    assert (call.connection_answered, call.model_answered, call.attempt_count) == ("third", "gpt-6.1-terra", 3)


def test_where_nobody_answers_the_last_failure_is_the_end(ask, provider, spare):
    provider.reply_with(Status(503))
    spare.reply_with(Status(401))
    with pytest.raises(OpenAITransportError) as caught:
        ask(retry=ONCE, fallbacks=["spare"])
    assert caught.value.kind == "bad_key"
    call = Call.objects.get()
    assert (call.status, call.cost, len(call.attempts)) == ("failed", 0, 2)
    assert money() == (0, 0)


@pytest.mark.parametrize(
    "unusable",
    [
        Fallback(connection="keyless"),
        Fallback(connection="spare", model="our-own"),
    ],
    ids=["without a key", "unpriced"],
)
def test_a_fallback_that_cannot_be_asked_is_passed_over(ask, unusable, provider, spare, connections):
    connections(keyless={"BASE_URL": "https://models.example.com/v1", "API_KEY": ""})
    provider.reply_with(Status(503))
    spare.reply_with("Fine.")
    assert ask(retry=ONCE, fallbacks=[unusable, "spare"]) == "Fine."
    call = Call.objects.get()
    assert (call.attempt_count, call.connection_answered, call.model_answered) == (2, "spare", "gpt-6-sol")
    assert money() == (0, call.cost)


def test_without_money_for_the_fallback_the_first_failure_is_the_end(ask, provider, spare):
    provider.reply_with("Fine.", Status(503))
    ask()
    amount = Hold.objects.get().amount
    Hold.objects.all().delete()
    Call.objects.all().delete()
    BudgetPeriod.objects.update(cap=amount, settled=0)
    with pytest.raises(OpenAITransportError) as caught:
        ask(retry=ONCE, fallbacks=["spare"])
    assert caught.value.kind == "server_fault"
    assert spare.requests == []
    call = Call.objects.get()
    assert (call.status, call.attempt_count, call.connection_answered) == ("failed", 1, "")
    assert money() == (0, 0)


def test_a_first_that_hangs_leaves_time_for_the_second(ask, provider, spare, connections):
    connections(default={"DEADLINE": 3.0})
    provider.reply_with(Hang())
    spare.reply_with("Fine.")
    assert ask(fallbacks=["spare"]) == "Fine."
    assert Call.objects.get().attempts[0]["kind"] == "interrupted"


def test_all_of_them_share_one_deadline(ask, provider, spare, connections):
    connections(default={"DEADLINE": 2.0})
    provider.reply_with(Hang(), Hang())
    spare.reply_with(Hang(), Hang())
    with pytest.raises(OpenAITransportError) as caught:
        ask(fallbacks=["spare"])
    assert caught.value.kind == "interrupted"
    assert (len(provider.requests), len(spare.requests)) == (1, 1)
    assert money()[0] == 0


@pytest.mark.parametrize("way", [streamed, streamed_awaited])
def test_once_a_word_is_shown_nobody_else_is_asked(way, provider, spare):
    provider.reply_with(CutStream(after_chunks=6))
    with pytest.raises(OpenAITransportError) as caught:
        way(fallbacks=[Fallback(connection="spare", on=frozenset(REASONS))])
    assert caught.value.kind == "interrupted"
    assert spare.requests == []
    assert Call.objects.get().output


def test_parameters_that_the_other_model_rejects_are_left_out(provider, spare):
    provider.reply_with(Status(503))
    get_openai_client().chat_completion(
        ASK, temperature=0.2, retry=ONCE, fallbacks=[Fallback(connection="spare", model="gpt-5-mini")]
    )
    assert provider.requests[0].body["temperature"] == 0.2
    assert "temperature" not in spare.requests[0].body


class TestCoolDown:
    @pytest.fixture(autouse=True)
    def clean(self, spare):
        cooldown.forget()
        yield
        cooldown.forget()

    def fail(self, provider, times):
        provider.reply_with(*[Status(503)] * times)
        for _ in range(times):
            blocking(retry=ONCE, fallbacks=["spare"])

    def test_after_three_failures_in_a_row_the_first_is_left_alone(self, ask, provider, spare):
        self.fail(provider, 3)
        Call.objects.all().delete()
        ask(fallbacks=["spare"])
        assert (len(provider.requests), len(spare.requests)) == (3, 4)
        call = Call.objects.get()
        assert (call.connection, call.model_asked, call.attempt_count) == ("spare", "gpt-6-sol", 1)
        assert call.attempts == [{"number": 0, "kind": "cooling", "connection": "default"}]
        assert money()[0] == 0

    def test_calls_with_nobody_else_to_ask_are_made_all_the_same_and_a_success_forgets(self, ask, provider, spare):
        self.fail(provider, 3)
        ask()
        ask(fallbacks=["spare"])
        assert (len(provider.requests), len(spare.requests)) == (5, 3)

    def test_failures_of_calls_without_a_fallback_count_as_well(self, ask, provider, spare):
        provider.reply_with(*[Status(503)] * 3)
        for _ in range(3):
            with pytest.raises(OpenAITransportError):
                ask(retry=ONCE)
        ask(fallbacks=["spare"])
        assert (len(provider.requests), len(spare.requests)) == (3, 1)

    def test_a_success_in_between_begins_the_count_anew(self, provider, spare):
        self.fail(provider, 2)
        blocking()
        self.fail(provider, 2)
        blocking(fallbacks=["spare"])
        assert len(provider.requests) == 6

    def test_what_the_provider_says_about_one_request_is_no_failure_of_its_own(self, provider, spare):
        provider.reply_with(*[Status(400, code="context_length_exceeded")] * 4)
        for _ in range(4):
            blocking(fallbacks=[Fallback(connection="spare", on=frozenset({"context", "transport"}))])
        assert len(provider.requests) == 4

    def test_whoever_is_there_for_other_reasons_is_not_asked_instead(self, provider, spare):
        self.fail(provider, 3)
        blocking(fallbacks=[Fallback(connection="spare", on=frozenset({"schema"}))])
        assert len(provider.requests) == 4

    def test_a_fallback_without_a_connection_means_the_first_one_even_when_that_is_left_alone(self, provider, spare):
        self.fail(provider, 3)
        spare.reply_with(Status(401))
        blocking(retry=ONCE, fallbacks=["spare", Fallback(model="gpt-6.1-terra")])
        call = Call.objects.order_by("pk").last()
        assert (call.connection_answered, call.model_answered) == ("default", "gpt-6.1-terra")

    def test_a_call_that_passes_somebody_over_fails_only_once(self, provider, spare):
        provider.reply_with(*[Status(503)] * 2)
        for _ in range(2):
            blocking(retry=ONCE, fallbacks=[Fallback(connection="spare", model="our-own"), "spare"])
        blocking(fallbacks=["spare"])
        assert (len(provider.requests), len(spare.requests)) == (3, 2)

    def test_an_unpriced_one_is_not_begun_with(self, provider, spare):
        self.fail(provider, 3)
        blocking(fallbacks=[Fallback(connection="spare", model="our-own")])
        assert len(provider.requests) == 4

    def test_from_many_threads(self):
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda _: cooldown.note("default", "unreachable"), range(1000)))
        assert cooldown.is_cooling("default")
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda n: cooldown.note(f"other-{n % 7}", "unreachable" if n % 2 else ""), range(1000)))
        cooldown.note("default", "")
        assert not cooldown.is_cooling("default")


def test_without_a_budget_an_unpriced_fallback_is_asked(provider, spare):
    Budget.objects.update(active=False)
    provider.reply_with(Status(503))
    spare.reply_with("Fine.")
    assert blocking(retry=ONCE, fallbacks=[Fallback(connection="spare", model="our-own")]) == "Fine."
    assert Call.objects.get().cost is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"connection": "spare", "on": frozenset({"weather"})}, "There is no reason 'weather' to fall back"),
        ({}, "A fallback names a connection, a model, or both."),
        ({"connection": "spare", "on": frozenset()}, "A fallback names its reasons"),
    ],
)
def test_a_fallback_that_makes_no_sense(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        Fallback(**arguments)
