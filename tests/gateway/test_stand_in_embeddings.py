"""The stand-in provider embeds: vectors of length one that hang on text and seed alone."""

from __future__ import annotations

import asyncio
import math

import openai
import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI

from aiops.gateway.testing import (
    Answer,
    CutJson,
    EmptyChoices,
    Failed,
    Filtered,
    Refusal,
    StandIn,
    Status,
)


@pytest.fixture
def stand_in():
    with StandIn(seed=7) as provider:
        yield provider


@pytest.fixture
def client(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="any", max_retries=0, timeout=10) as client:
        yield client


def embed(client, texts, **more):
    return client.embeddings.create(model="text-embedding-3-small", input=texts, **more)


def dot(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_a_vector_has_length_one_and_hangs_on_text_and_seed_alone(client):
    answer = embed(client, ["My card", "A refund", "My card"])
    first, second, again = (item.embedding for item in answer.data)
    assert [item.index for item in answer.data] == [0, 1, 2]
    assert len(first) == 1536
    assert dot(first, first) == pytest.approx(1, abs=1e-5)
    assert first == again
    assert abs(dot(first, second)) < 0.2
    assert embed(client, "My card").data[0].embedding == first
    with StandIn(seed=8) as other, OpenAI(base_url=other.base_url, api_key="k") as other_client:
        assert embed(other_client, "My card").data[0].embedding != first


def test_both_encodings_are_the_same_numbers(stand_in, client):
    by_default = embed(client, "My card")
    floats = embed(client, "My card", encoding_format="float")
    raw = embed(client, "My card", encoding_format="base64")
    assert by_default.data == floats.data
    assert isinstance(raw.data[0].embedding, str)
    assert [request.body["encoding_format"] for request in stand_in.requests] == ["base64", "float", "base64"]


def test_dimensions_can_be_fewer_and_are_those_of_the_model(client):
    short = embed(client, "My card", dimensions=8).data[0].embedding
    long = embed(client, "My card").data[0].embedding[:8]
    assert dot(short, short) == pytest.approx(1, abs=1e-5)
    assert dot(short, long) / math.sqrt(dot(long, long)) == pytest.approx(1, abs=1e-5)
    large = client.embeddings.create(model="text-embedding-3-large", input="x")
    assert (len(large.data[0].embedding), large.model) == (3072, "text-embedding-3-large")


def test_tokens_are_taken_and_counted(stand_in, client):
    assert embed(client, "12345678").usage.prompt_tokens == 2
    usage = embed(client, [[1, 2, 3], [4, 5]]).usage
    assert (usage.prompt_tokens, usage.total_tokens) == (5, 5)
    assert len(embed(client, [1, 2, 3]).data) == 1
    totals = stand_in.totals
    assert (totals.requests, totals.answers, totals.prompt_tokens, totals.completion_tokens) == (3, 3, 10, 0)


def test_what_was_asked_can_be_looked_at_and_answered_by_rule(stand_in, client):
    stand_in.when(lambda request: "Ticket 2" in request.text, Status(429, code="insufficient_quota"))
    embed(client, ["Ticket 1", "other"])
    with pytest.raises(openai.RateLimitError):
        embed(client, ["Ticket 2", "other"])
    first = stand_in.requests[0]
    assert (first.operation, first.path, first.text) == ("embeddings", "/v1/embeddings", "Ticket 1\n\nother")


def test_vectors_can_be_scripted(stand_in, client):
    stand_in.reply_with(Answer(data=[1.0, 0.0]), Answer(data=[[1.0, 0.0], [0.0, 1.0]]), EmptyChoices())
    assert [item.embedding for item in embed(client, ["a", "b"]).data] == [[1.0, 0.0], [1.0, 0.0]]
    assert [item.embedding for item in embed(client, ["a", "b"]).data] == [[1.0, 0.0], [0.0, 1.0]]
    with pytest.raises(ValueError, match="No embedding data received"):
        embed(client, "a")


@pytest.mark.parametrize(
    ("usage", "counted"),
    [({"prompt_tokens": 9, "total_tokens": 9}, 9), ({"prompt_tokens": -9, "total_tokens": 0}, 2), (None, 2)],
)
def test_usage_can_be_anything_and_the_count_stays_sane(stand_in, client, usage, counted):
    stand_in.reply_with(Answer(usage=usage))
    told = embed(client, "12345678").usage
    assert (told.model_dump() if told else None) == usage
    assert stand_in.totals.prompt_tokens == counted


@pytest.mark.parametrize(
    ("reply", "error", "lost"),
    [
        (Refusal(), openai.BadRequestError, 0),
        (Filtered(), openai.BadRequestError, 0),
        (Failed(), openai.InternalServerError, 0),
        (CutJson(), ValueError, 1),
    ],
)
def test_what_it_has_no_words_for_is_an_error(stand_in, client, reply, error, lost):
    stand_in.reply_with(reply)
    with pytest.raises(error):
        embed(client, "x")
    assert (stand_in.totals.answers, stand_in.totals.lost_answers) == (0, lost)


@pytest.mark.parametrize(
    ("texts", "more", "sentence"),
    [
        ("", {}, "empty"),
        ([], {}, "empty"),
        (["a", ""], {}, "empty"),
        ([[]], {}, "empty"),
        (["a"] * 2049, {}, "maximum length 2048"),
        (["a", 1], {}, "expected texts"),
        ("x" * 40_000, {}, "8192 tokens"),
        ("x", {"dimensions": 1537}, "dimensions"),
        ("x", {"dimensions": 0}, "dimensions"),
        ("x", {"encoding_format": "hex"}, "encoding_format"),
    ],
)
def test_a_bad_request_is_refused_in_words(client, texts, more, sentence):
    with pytest.raises(openai.BadRequestError, match=sentence):
        embed(client, texts, **more)


def test_as_many_as_are_allowed_are_answered(stand_in, client):
    assert len(embed(client, ["a"] * 2048, dimensions=4).data) == 2048


def test_azure_finds_its_deployment():
    with StandIn() as provider:
        root = provider.base_url.removesuffix("/v1")
        with AzureOpenAI(azure_endpoint=root, api_key="k", api_version="2026-06-01", max_retries=0) as client:
            assert embed(client, "x").data
        assert provider.requests[0].path == "/openai/deployments/text-embedding-3-small/embeddings"


def test_async_clients_get_the_same(stand_in, client):
    async def vector():
        async with AsyncOpenAI(base_url=stand_in.base_url, api_key="k", max_retries=0) as asking:
            return (await embed(asking, "My card")).data[0].embedding

    assert asyncio.run(vector()) == embed(client, "My card").data[0].embedding
