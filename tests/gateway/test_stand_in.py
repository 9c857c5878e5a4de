"""The stand-in provider speaks Chat Completions as the openai SDK knows it, and counts what it answered."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime

import openai
import pytest
from openai import AsyncOpenAI, AzureOpenAI, DefaultAioHttpClient, OpenAI

from aiops.gateway.testing import Answer, EmptyChoices, Filtered, Length, Refusal, StandIn, Status

QUESTION = [{"role": "system", "content": "Sort it."}, {"role": "user", "content": "My card never came."}]
TRIAGE = {
    "type": "object",
    "properties": {
        "category": {"enum": ["card", "refund"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["category", "confidence"],
    "additionalProperties": False,
}
AS_TRIAGE = {"type": "json_schema", "json_schema": {"name": "triage", "strict": True, "schema": TRIAGE}}


@pytest.fixture
def stand_in():
    with StandIn(seed=7) as provider:
        yield provider


@pytest.fixture
def client(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="any", max_retries=0) as client:
        yield client


def ask(client, text="My card never came.", **more):
    return client.chat.completions.create(model="gpt-6-luna", messages=[{"role": "user", "content": text}], **more)


def streamed(client, **more):
    with client.chat.completions.create(model="gpt-6-luna", messages=QUESTION, stream=True, **more) as stream:
        return list(stream)


def test_an_answer_has_what_an_answer_of_openai_has(client):
    answer = client.chat.completions.create(model="gpt-6-luna", messages=QUESTION)
    choice = answer.choices[0]
    assert answer.object == "chat.completion"
    assert answer.model == "gpt-6-luna"
    assert (choice.finish_reason, choice.message.role, choice.message.refusal) == ("stop", "assistant", None)
    assert choice.message.content.endswith(".")
    assert abs(datetime.now(UTC).timestamp() - answer.created) < 60


def test_the_usage_adds_up_and_is_a_quarter_of_the_bytes(client):
    answer = client.chat.completions.create(model="m", messages=QUESTION)
    usage = answer.usage
    assert usage.prompt_tokens == 3 + (4 + 2) + (4 + 5)
    assert usage.completion_tokens == math.ceil(len(answer.choices[0].message.content) / 4)
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details.cached_tokens == 0
    assert usage.completion_tokens_details.reasoning_tokens == 0


def test_cached_and_reasoning_tokens_are_inside_the_totals():
    with (
        StandIn(cached_tokens=5, reasoning_tokens=40) as provider,
        OpenAI(base_url=provider.base_url, api_key="k") as c,
    ):
        provider.reply_with("12345678")
        usage = c.chat.completions.create(model="m", messages=QUESTION).usage
        assert usage.prompt_tokens_details.cached_tokens == 5
        assert (usage.completion_tokens, usage.completion_tokens_details.reasoning_tokens) == (42, 40)
        assert provider.totals.completion_tokens == 42


def test_parts_of_a_message_are_counted_and_read(stand_in, client):
    parts = [
        {"type": "text", "text": "12345678"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}},
    ]
    usage = client.chat.completions.create(model="m", messages=[{"role": "user", "content": parts}]).usage
    assert usage.prompt_tokens == 3 + 4 + 3
    assert stand_in.requests[0].text == "12345678\n"


def test_the_same_question_gets_the_same_answer_and_another_seed_another_one(stand_in, client):
    first = [ask(client, f"Ticket {number}").choices[0].message.content for number in range(20)]
    again = [ask(client, f"Ticket {number}").choices[0].message.content for number in reversed(range(20))]
    assert first == again[::-1]
    assert len(set(first)) == 20
    with StandIn(seed=8) as other, OpenAI(base_url=other.base_url, api_key="k") as other_client:
        assert ask(other_client, "Ticket 0").choices[0].message.content != first[0]


def test_the_model_of_the_answer_can_be_set():
    with StandIn(model="gpt-6-luna-2026-09-01") as provider, OpenAI(base_url=provider.base_url, api_key="k") as client:
        provider.reply_with(Answer("first", model="another"))
        assert [ask(client).model, ask(client).model] == ["another", "gpt-6-luna-2026-09-01"]


def test_request_ids_are_unique_and_limits_are_told(client):
    answers = [client.chat.completions.with_raw_response.create(model="m", messages=QUESTION) for _ in range(5)]
    assert len({answer.request_id for answer in answers}) == 5
    assert len({answer.parse().id for answer in answers}) == 5
    for name in ("limit", "remaining", "reset"):
        for unit in ("requests", "tokens"):
            assert answers[0].headers[f"x-ratelimit-{name}-{unit}"]


def test_a_stream_says_what_the_whole_answer_says(client):
    whole = client.chat.completions.create(model="gpt-6-luna", messages=QUESTION)
    chunks = streamed(client)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_ends_with_its_usage_where_that_is_asked_for(client):
    whole = client.chat.completions.create(model="gpt-6-luna", messages=QUESTION)
    *chunks, last = streamed(client, stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks)


def test_a_stream_of_a_schema_is_the_same_json(client):
    whole = client.chat.completions.create(model="gpt-6-luna", messages=QUESTION, response_format=AS_TRIAGE)
    chunks = streamed(client, response_format=AS_TRIAGE)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content


def test_chunks_can_take_their_time(stand_in, client):
    stand_in.reply_with(Answer("one two three", seconds_per_chunk=0.05))
    began = asyncio.new_event_loop()
    try:
        start = began.time()
        assert len(streamed(client)) == 5
        assert began.time() - start >= 0.2
    finally:
        began.close()


def test_an_answer_keeps_to_the_output_limit_and_says_so(client):
    answer = ask(client, max_completion_tokens=2)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens <= 2
    assert ask(client, max_tokens=2).choices[0].finish_reason == "length"
    assert ask(client, max_completion_tokens=2000).choices[0].finish_reason == "stop"


def test_models_are_listed():
    with (
        StandIn(models=("gpt-6-luna", "gpt-6-astra")) as provider,
        OpenAI(base_url=provider.base_url, api_key="k") as c,
    ):
        assert [model.id for model in c.models.list()] == ["gpt-6-luna", "gpt-6-astra"]
        assert provider.totals.requests == 0


def test_a_wrong_key_is_refused_and_counts_as_a_request_without_an_answer():
    with StandIn(api_key="right") as provider:
        with OpenAI(base_url=provider.base_url, api_key="wrong", max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError) as caught:
                ask(client)
            with pytest.raises(openai.AuthenticationError):
                client.models.list()
        with OpenAI(base_url=provider.base_url, api_key="right", max_retries=0) as client:
            ask(client)
        assert caught.value.code == "invalid_api_key"
        assert (provider.totals.requests, provider.totals.answers) == (2, 1)


def test_azure_finds_its_deployment_and_its_key():
    with (
        StandIn(api_key="right") as provider,
        AzureOpenAI(
            azure_endpoint=provider.base_url.removesuffix("/v1"),
            api_key="right",
            api_version="2026-06-01",
            max_retries=0,
        ) as client,
    ):
        assert ask(client).choices[0].finish_reason == "stop"
        assert provider.requests[0].path == "/openai/deployments/gpt-6-luna/chat/completions"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"model": "m", "messages": []}, "too short"),
        ({"messages": QUESTION}, "model parameter"),
        (
            {
                "model": "m",
                "messages": QUESTION,
                "response_format": {"type": "json_schema", "json_schema": {"schema": {}}},
            },
            "name",
        ),
        ([], "not a JSON object"),
    ],
)
def test_a_bad_request_is_refused_in_words(client, body, sentence):
    with pytest.raises(openai.BadRequestError, match=sentence):
        client.post("/chat/completions", body=body, cast_to=object)


def test_an_unknown_address_is_named(client):
    with pytest.raises(openai.NotFoundError, match="POST /v1/nothing"):
        client.post("/nothing", body={}, cast_to=object)


def test_what_was_asked_can_be_looked_at(stand_in, client):
    before = datetime.now(UTC)
    ask(client, "Ticket 7", response_format=AS_TRIAGE, max_completion_tokens=50)
    [request] = stand_in.requests
    assert (request.number, request.method, request.path) == (1, "POST", "/v1/chat/completions")
    assert request.body["messages"] == [{"role": "user", "content": "Ticket 7"}]
    assert request.headers["authorization"] == "Bearer any"
    assert (request.model, request.text, request.schema, request.output_limit) == ("gpt-6-luna", "Ticket 7", TRIAGE, 50)
    assert before <= request.at <= datetime.now(UTC)


def test_the_count_is_that_of_the_answers_that_were_read(stand_in, client):
    stand_in.reply_with(
        Refusal(), Length(), Filtered("half a"), EmptyChoices(), Status(500), "a text", {"category": "card"}
    )
    usages = []
    for _ in range(10):
        try:
            usages.append(ask(client).usage)
        except openai.InternalServerError:
            continue
    totals = stand_in.totals
    assert (totals.requests, totals.answers, totals.lost_answers) == (10, 9, 0)
    assert totals.prompt_tokens == sum(usage.prompt_tokens for usage in usages)
    assert totals.completion_tokens == sum(usage.completion_tokens for usage in usages)


def test_reset_forgets_questions_counts_rules_and_script(stand_in, client):
    stand_in.reply_with("one", "two")
    stand_in.when(lambda request: "never" in request.text, Status(500))
    with pytest.raises(openai.InternalServerError):
        ask(client)
    stand_in.reset()
    assert stand_in.requests == []
    assert (stand_in.totals.requests, stand_in.replies_left) == (0, 0)
    assert ask(client).choices[0].message.content not in ("one", "two")
    assert stand_in.totals.answers == 1


def test_two_hundred_at_once_are_answered_together():
    async def all_of_them(base_url):
        async with AsyncOpenAI(
            base_url=base_url, api_key="k", max_retries=0, http_client=DefaultAioHttpClient()
        ) as client:
            return await asyncio.gather(*(ask_async(client, number) for number in range(200)))

    async def ask_async(client, number):
        answer = await ask(client, f"Ticket {number}", response_format=AS_TRIAGE)
        return answer.usage

    with StandIn(latency=0.5) as provider:
        usages = asyncio.run(all_of_them(provider.base_url))
        totals = provider.totals
        assert totals.peak_in_flight > 20
        assert totals.answers == 200
        assert totals.prompt_tokens == sum(usage.prompt_tokens for usage in usages)
        assert totals.completion_tokens == sum(usage.completion_tokens for usage in usages)
