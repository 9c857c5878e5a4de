"""The stand-in provider moderates texts and images: nothing is flagged, unless a test says so."""

from __future__ import annotations

import asyncio

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from aiops.gateway.testing import Answer, EmptyChoices, Failed, Filtered, Refusal, StandIn


@pytest.fixture
def stand_in():
    with StandIn() as provider:
        yield provider


@pytest.fixture
def client(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="any", max_retries=0, timeout=5) as client:
        yield client


PARTS = [
    {"type": "text", "text": "What is this?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
]


def test_nothing_is_flagged_by_itself_and_nothing_is_paid(stand_in, client):
    answer = client.moderations.create(input="Hello")
    [result] = answer.results
    assert (answer.model, result.flagged) == ("omni-moderation-latest", False)
    assert answer.id.startswith("modr-")
    assert not any(result.categories.model_dump().values())
    assert result.category_applied_input_types.violence == ["text"]
    totals = stand_in.totals
    assert (totals.requests, totals.answers, totals.prompt_tokens, totals.completion_tokens) == (1, 1, 0, 0)


def test_each_text_has_its_result_and_parts_have_one_together(stand_in, client):
    assert len(client.moderations.create(input=["a", "b", "c"], model="m").results) == 3
    [result] = client.moderations.create(input=PARTS).results
    assert result.category_applied_input_types.violence == ["image", "text"]
    assert result.category_applied_input_types.hate == ["text"]
    assert [request.text for request in stand_in.requests] == ["a\n\nb\n\nc", "What is this?\n"]


def test_scores_can_be_scripted(stand_in, client):
    stand_in.reply_with(Answer(data={"violence": 0.9, "hate/threatening": 0.3}), Answer(data=[{}, {"sexual": 0.6}]))
    [result] = client.moderations.create(input="x").results
    assert (result.flagged, result.categories.violence, result.categories.hate_threatening) == (True, True, False)
    assert (result.category_scores.violence, result.category_scores.hate_threatening) == (0.9, 0.3)
    first, second = client.moderations.create(input=["x", "y"]).results
    assert (first.flagged, second.flagged, second.categories.sexual) == (False, True, True)


@pytest.mark.parametrize("reply", [Filtered(), Refusal()])
def test_what_a_model_would_decline_is_flagged(stand_in, client, reply):
    stand_in.when(lambda request: "bad" in request.text, reply)
    assert client.moderations.create(input="bad").results[0].flagged
    assert not client.moderations.create(input="good").results[0].flagged


def test_it_can_fail_and_it_can_be_empty(stand_in, client):
    stand_in.reply_with(Failed(), EmptyChoices())
    with pytest.raises(openai.InternalServerError):
        client.moderations.create(input="x")
    assert client.moderations.create(input="x").results == []


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [("", "'input'"), ([], "'input'"), ([1], "expected"), ([{"type": "x"}], "expected")],
)
def test_a_bad_request_is_refused_in_words(client, asked, sentence):
    with pytest.raises(openai.BadRequestError, match=sentence):
        client.moderations.create(input=asked)


def test_async_clients_get_the_same(stand_in):
    async def flagged():
        async with AsyncOpenAI(base_url=stand_in.base_url, api_key="k", max_retries=0) as client:
            return (await client.moderations.create(input="x")).results[0].flagged

    assert asyncio.run(flagged()) is False
