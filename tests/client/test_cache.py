"""Answers that are given again: off by default, exact, logged, free, and asked for once."""

import asyncio

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection

from aiops import OpenAITransportError, get_async_openai_client, get_openai_client, track_costs
from aiops.cache.models import CachedAnswer
from aiops.calls.models import Call
from aiops.execution.answer import answer
from aiops.gateway.testing import Answer, Status
from aiops.ledger.models import BudgetPeriod

ASK = [{"role": "user", "content": "What is a chargeback?"}]


@pytest.fixture(params=["blocking", "awaited"])
def ask(request, provider, budget):
    """Asks by either client."""

    def blocking(messages=ASK, **arguments):
        return get_openai_client().chat_completion(messages, **arguments)

    def awaited(messages=ASK, **arguments):
        return async_to_sync(get_async_openai_client().chat_completion)(messages, **arguments)

    return blocking if request.param == "blocking" else awaited


def text(completion):
    return completion.choices[0].message.content


def test_nothing_is_given_again_unless_somebody_says_so(ask, provider):
    provider.reply_with("One.", "Two.")
    assert [text(ask()), text(ask())] == ["One.", "Two."]
    assert not CachedAnswer.objects.exists()


def test_a_hit_is_a_call_that_cost_nothing_and_says_what_it_saved(ask, provider):
    provider.reply_with("One.", "Two.")
    assert text(ask(cache=True)) == "One."
    with track_costs() as costs:
        assert text(ask(cache=True)) == "One."
    first, second = Call.objects.order_by("pk")
    assert first.cost > 0
    assert (second.status, second.cost, second.saved, second.reused_from) == ("succeeded", 0, first.cost, first.pk)
    assert (second.attempt_count, second.tokens_in, second.tokens_out) == (0, 0, 0)
    assert second.output == "One."
    assert len(provider.requests) == 1
    assert (costs.nano_dollars, costs.saved_nano_dollars, costs.tokens_in) == (0, first.cost, 0)
    period = BudgetPeriod.objects.get()
    assert (period.held, period.settled) == (0, first.cost)


def test_what_decides_the_answer_is_what_counts(ask, provider):
    provider.reply_with(*(f"{n}." for n in range(5)))
    asked = [
        ask(cache=True, temperature=1),
        ask(cache=True, temperature=0.5),
        ask(cache=True, max_tokens=100),
        ask(cache=True, model="gpt-6.1-terra"),
        ask("What is a refund?", cache=True),
    ]
    assert [text(one) for one in asked] == ["0.", "1.", "2.", "3.", "4."]
    assert text(ask(cache=True, temperature=0.5, purpose="again", by=None)) == "1."


def test_an_error_is_not_kept(ask, provider):
    provider.reply_with(Status(400), "Fine.")
    with pytest.raises(OpenAITransportError):
        ask(cache=True)
    assert text(ask(cache=True)) == "Fine."


def test_a_call_may_ask_anew(ask, provider):
    provider.reply_with("One.", "Two.")
    assert [text(ask(cache=60)), text(ask(cache=False))] == ["One.", "Two."]
    assert text(ask(cache=60)) == "One."


@pytest.mark.parametrize("cache", [-1, 0, "yes", 1.5])
def test_a_lifetime_that_makes_no_sense_is_refused(ask, cache, provider):
    with pytest.raises(ValueError, match="cache is"):
        ask(cache=cache)
    assert provider.requests == []


def test_a_prompt_says_it_for_all_of_its_versions(triage, provider, budget):
    triage.prompt.reuse_seconds = 60
    triage.prompt.save()
    provider.reply_with({"category": "card", "priority": "low"})
    outcomes = [answer(triage, {"text": "Where is my card?"}) for _ in range(2)]
    assert [outcome.data for outcome in outcomes] == [{"category": "card", "priority": "low"}] * 2
    assert len(provider.requests) == 1
    assert CachedAnswer.objects.get().prompt_version_id == triage.pk


@pytest.mark.django_db(transaction=True)
def test_what_is_asked_at_the_same_time_is_asked_once(provider, budget):
    provider.reply_with(Answer(text="One.", delay=0.3))

    async def all_at_once():
        client = get_async_openai_client()
        try:
            return await asyncio.gather(*(client.chat_completion(ASK, cache=True) for _ in range(10)))
        finally:
            await sync_to_async(lambda: connection.close())()

    assert {text(one) for one in asyncio.run(all_at_once())} == {"One."}
    assert len(provider.requests) == 1
    assert Call.objects.filter(status="succeeded").count() == 10
    assert Call.objects.filter(reused_from=None).count() == 1
