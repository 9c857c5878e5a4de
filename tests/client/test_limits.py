"""What a provider lets through holds for the client too: minded before it is reached, and when it is said."""

from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync

from aiops import OpenAITransportError, get_async_openai_client, get_openai_client
from aiops.calls.models import Call
from aiops.gateway.connections import get_connection
from aiops.gateway.testing import Answer, Status
from aiops.ledger.models import BudgetPeriod
from aiops.limits.learning import limits_of
from aiops.limits.take import take

ASK = [{"role": "user", "content": "What is a chargeback?"}]


@pytest.fixture
def limited(provider, settings, budget):
    """Makes a connection with these limits, of a name that no other test has: what is counted is committed."""

    def limited(**options):
        connections = settings.AIOPS["CONNECTIONS"]
        alias = f"limited-{uuid4().hex[:8]}"
        own = {**connections["default"], **options}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**connections, alias: own}}
        return alias

    return limited


def test_a_call_that_would_wait_too_long_is_not_sent(limited, provider):
    alias = limited(MAX_IN_FLIGHT_OVERALL=1)
    provider.reply_with("Fine.")
    with take(get_connection(alias), "gpt-6-luna"), pytest.raises(OpenAITransportError) as caught:
        get_openai_client(alias).chat_completion(ASK, timeout=0.5)
    assert (caught.value.kind, caught.value.retryable) == ("too_busy", True)
    assert provider.requests == []
    assert BudgetPeriod.objects.get().held == BudgetPeriod.objects.get().settled == 0
    assert get_openai_client(alias).chat_completion(ASK, timeout=30).choices[0].message.content == "Fine."


def test_a_refusal_with_a_time_lets_everybody_wait(limited, provider):
    alias = limited()
    provider.reply_with(Status(429, retry_after="1"), "Fine.", "Fine too.")
    assert get_openai_client(alias).chat_completion(ASK).choices[0].message.content == "Fine."
    attempt = Call.objects.get().attempts[0]
    assert attempt["kind"] == "rate_limited"
    assert attempt["waited"] >= 1
    (first, second) = provider.requests
    assert (second.at - first.at).total_seconds() >= 1


def test_a_tight_limit_is_learned_from_the_headers_and_a_wide_one_is_not(limited, provider):
    provider.reply_with(
        Answer(text="Fine.", headers={"x-ratelimit-limit-requests": "60", "x-ratelimit-limit-tokens": "2000000"})
    )
    alias = limited()
    assert not limits_of(get_connection(alias), "gpt-6-luna")
    get_openai_client(alias).chat_completion(ASK)
    learned = limits_of(get_connection(alias), "gpt-6-luna")
    assert (learned.requests_per_minute, learned.tokens_per_minute) == (60, None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("awaited", [False, True])
def test_tokens_are_counted_as_they_were_used(limited, provider, awaited):
    alias = limited(TOKENS_PER_MINUTE=6_000)
    provider.reply_with(*["Fine."] * 3)
    for _ in range(3):
        # Each asks for two thirds of a minute's tokens at most, and uses a few.
        if awaited:
            async_to_sync(get_async_openai_client(alias).chat_completion)(ASK, max_tokens=4_000, timeout=20)
        else:
            get_openai_client(alias).chat_completion(ASK, max_tokens=4_000, timeout=20)
    assert Call.objects.filter(status="succeeded").count() == 3
