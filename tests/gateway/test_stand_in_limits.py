"""The stand-in provider holds rate limits for real, so that whoever keeps to them can be held against it."""

from __future__ import annotations

import asyncio

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from aiops.gateway.testing import StandIn


class Clock:
    """A time that a test moves on."""

    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def client_of(provider):
    return OpenAI(base_url=provider.base_url, api_key="k", max_retries=0)


def ask(client, text="12345678", model="m", **more):
    return client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": text}], **more
    )


def refused(client, **more):
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client, **more)
    return caught.value


def told(headers, kind="requests"):
    return tuple(headers[f"x-ratelimit-{name}-{kind}"] for name in ("limit", "remaining", "reset"))


def test_no_more_than_the_limit_come_in_within_a_minute(clock):
    with StandIn(requests_per_minute=3, clock=clock) as provider, client_of(provider) as client:
        for remaining in ("2", "1", "0"):
            assert told(ask(client).headers) == ("3", remaining, "1m0s")
            clock.now += 10
        error = refused(client)
        assert (error.code, error.type) == ("rate_limit_exceeded", "requests")
        assert (error.response.headers["retry-after"], error.response.headers["retry-after-ms"]) == ("30", "30000")
        assert told(error.response.headers) == ("3", "0", "50s")
        clock.now += 29.5
        assert refused(client).response.headers["retry-after-ms"] == "500"
        clock.now += 0.5
        assert told(ask(client).headers) == ("3", "0", "1m0s")
        refused(client)
        totals = provider.totals
        assert (totals.requests, totals.answers, totals.rate_limited) == (7, 4, 3)


def test_what_is_refused_uses_up_neither_the_limit_nor_the_script(clock):
    with StandIn(requests_per_minute=1, clock=clock) as provider, client_of(provider) as client:
        provider.reply_with("first", "second")
        ask(client)
        refused(client)
        clock.now += 60
        assert ask(client).parse().choices[0].message.content == "second"


def test_each_model_has_its_own_limit_over_all_apis(clock):
    with StandIn(requests_per_minute=1, clock=clock) as provider, client_of(provider) as client:
        ask(client)
        ask(client, model="another")
        with pytest.raises(openai.RateLimitError):
            client.responses.create(model="m", input="x")
        client.models.list()
        client.files.list()


def test_tokens_are_limited_by_what_is_asked_for(clock):
    with StandIn(tokens_per_minute=100, clock=clock) as provider, client_of(provider) as client:
        assert told(ask(client, max_completion_tokens=31).headers, "tokens") == ("100", "60", "1m0s")
        clock.now += 20
        ask(client, max_completion_tokens=31)
        error = refused(client, max_completion_tokens=31)
        assert (error.type, error.response.headers["retry-after"]) == ("tokens", "40")
        ask(client, max_completion_tokens=11)
        # For so many more, both that came first must have gone.
        assert refused(client, max_completion_tokens=61).response.headers["retry-after"] == "60"
        assert "retry-after" not in refused(client, max_completion_tokens=92).response.headers


def test_without_a_limit_the_headers_promise_much(clock):
    with StandIn(clock=clock) as provider, client_of(provider) as client:
        assert told(ask(client).headers) == ("10000", "9999", "6ms")


def test_reset_empties_the_minute(clock):
    with StandIn(requests_per_minute=1, clock=clock) as provider, client_of(provider) as client:
        ask(client)
        provider.reset()
        ask(client)


def test_of_many_at_once_exactly_as_many_as_are_allowed_come_in(clock):
    async def all_of_them(base_url):
        async with AsyncOpenAI(base_url=base_url, api_key="k", max_retries=0) as client:
            asked = (client.responses.create(model="m", input=str(number)) for number in range(60))
            return await asyncio.gather(*asked, return_exceptions=True)

    with StandIn(requests_per_minute=25, clock=clock) as provider:
        answers = asyncio.run(all_of_them(provider.base_url))
        assert sum(isinstance(answer, openai.RateLimitError) for answer in answers) == 35
        assert (provider.totals.answers, provider.totals.rate_limited) == (25, 35)


def test_a_real_clock_is_held_to_as_well():
    with StandIn(requests_per_minute=2) as provider:
        asked = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
        answers = [httpx2.post(f"{provider.base_url}/chat/completions", json=asked) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 0 < int(answers[2].headers["retry-after-ms"]) <= 60_000


def test_what_comes_beyond_what_is_borne_at_a_time_is_refused_at_once():
    async def six(provider):
        async with AsyncOpenAI(base_url=provider.base_url, api_key="k", max_retries=0) as client:
            messages = [{"role": "user", "content": "x"}]
            asked = (client.chat.completions.create(model="m", messages=messages) for _ in range(6))
            return await asyncio.gather(*asked, return_exceptions=True)

    with StandIn(most_at_once=2, latency=0.5) as provider:
        refusals = [one for one in asyncio.run(six(provider)) if isinstance(one, openai.RateLimitError)]
        assert len(refusals) == 4
        assert not any("retry-after" in one.response.headers for one in refusals)
        assert (provider.totals.answers, provider.totals.rate_limited) == (2, 4)
        provider.most_at_once = None
        assert not any(isinstance(one, Exception) for one in asyncio.run(six(provider)))
