"""The stand-in calls functions, gives several choices, and tells probabilities, by either API."""

from __future__ import annotations

import asyncio
import json
import math

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from aiops.gateway.testing import Answer, Length, Refusal, StandIn

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
FOR_CHAT = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]
FOR_RESPONSES = [{"type": "function", "name": "get_weather", "parameters": WEATHER, "strict": True}]
TRIAGE = {
    "type": "object",
    "properties": {
        "reason": {"const": "It says so."},
        "category": {"enum": ["card", "card lost", "refund"]},
        "urgent": {"enum": [True, False]},
    },
    "required": ["reason", "category", "urgent"],
    "additionalProperties": False,
}
CHAT_FORMAT = {"type": "json_schema", "json_schema": {"name": "triage", "schema": TRIAGE}}
RESPONSES_FORMAT = {"format": {"type": "json_schema", "name": "triage", "schema": TRIAGE}}


@pytest.fixture
def stand_in():
    with StandIn(seed=7) as provider:
        yield provider


@pytest.fixture
def client(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="any", max_retries=0, timeout=5) as client:
        yield client


def chat(client, text="x", **more):
    return client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], **more)


def respond(client, asked="x", **more):
    return client.responses.create(model="m", input=asked, **more)


def test_functions_are_called_in_a_chat(stand_in, client):
    stand_in.reply_with(Answer(tool_calls=[("get_weather", {"city": "Bern"}), ("stop", "not json")]))
    choice = chat(client, tools=FOR_CHAT).choices[0]
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    first, second = choice.message.tool_calls
    assert (first.type, first.function.name) == ("function", "get_weather")
    assert first.function.arguments == '{"city": "Bern"}'
    assert second.function.arguments == "not json"
    assert first.id != second.id
    assert stand_in.totals.completion_tokens > 0


def test_functions_are_called_in_a_response(stand_in, client):
    stand_in.reply_with(Answer("Let me look.", tool_calls=[("get_weather", {"city": "Bern"}), ("stop", {})]))
    response = respond(client, tools=FOR_RESPONSES)
    message, first, second = response.output
    assert (response.status, response.output_text, message.type) == ("completed", "Let me look.", "message")
    assert (first.type, first.name, first.arguments) == ("function_call", "get_weather", '{"city": "Bern"}')
    assert first.call_id != second.call_id
    assert (response.tools[0].name, stand_in.requests[0].tools[0]["name"]) == ("get_weather", "get_weather")


def test_both_apis_tell_the_same_call_and_count_it_the_same(stand_in, client):
    stand_in.when(lambda request: True, Answer(tool_calls=[("get_weather", {"city": "Bern"})]))
    completion, response = chat(client, tools=FOR_CHAT), respond(client, tools=FOR_RESPONSES)
    assert completion.usage.completion_tokens == response.usage.output_tokens
    assert completion.choices[0].message.tool_calls[0].function.arguments == response.output[0].arguments
    first, second = stand_in.requests
    assert (first.tools[0]["parameters"], second.tools[0]["parameters"]) == (WEATHER, WEATHER)


def test_a_call_is_streamed_in_pieces_in_a_chat(stand_in, client):
    stand_in.reply_with(Answer(tool_calls=[("get_weather", {"city": "Bern"}), ("stop", {"now": True})]))
    with client.chat.completions.stream(
        model="m", messages=[{"role": "user", "content": "x"}], tools=FOR_CHAT
    ) as stream:
        chunks = [event.chunk for event in stream if event.type == "chunk"]
        message = stream.get_final_completion().choices[0].message
    assert [call.function.arguments for call in message.tool_calls] == ['{"city": "Bern"}', '{"now": true}']
    deltas = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert [delta.index for delta in deltas] == [0, 0, 0, 1, 1, 1]
    assert [bool(delta.id) for delta in deltas] == [True, False, False, True, False, False]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_a_call_is_streamed_in_pieces_in_a_response(stand_in, client):
    stand_in.reply_with(Answer(tool_calls=[("get_weather", {"city": "Bern"})]))
    events = list(respond(client, tools=FOR_RESPONSES, stream=True))
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert (events[2].item.name, events[2].item.arguments) == ("get_weather", "")
    assert "".join(event.delta for event in events[3:5]) == events[5].arguments == '{"city": "Bern"}'


@pytest.mark.parametrize("choice", ["required", "named"])
def test_where_a_call_is_demanded_the_seed_makes_one_that_is_valid(client, choice):
    chat_choice = choice if choice == "required" else {"type": "function", "function": {"name": "get_weather"}}
    choice = choice if choice == "required" else {"type": "function", "name": "get_weather"}
    called = chat(client, "Ticket 1", tools=FOR_CHAT, tool_choice=chat_choice).choices[0]
    response = respond(client, "Ticket 1", tools=FOR_RESPONSES, tool_choice=choice)
    arguments = json.loads(called.message.tool_calls[0].function.arguments)
    assert set(arguments) == {"city", "days"} and 1 <= arguments["days"] <= 5
    assert json.loads(response.output[0].arguments) == arguments
    assert called.finish_reason == "tool_calls"


def test_the_function_that_is_named_is_the_one_that_is_called(client):
    tools = [{"type": "function", "function": {"name": name}} for name in ("one", "two", "three")]
    for name in ("one", "two", "three"):
        choice = {"type": "function", "function": {"name": name}}
        [call] = chat(client, tools=tools, tool_choice=choice).choices[0].message.tool_calls
        assert (call.function.name, call.function.arguments) == (name, "{}")


def test_where_words_will_do_the_seed_makes_words(client):
    assert chat(client, tools=FOR_CHAT, tool_choice="auto").choices[0].message.content
    assert respond(client, tools=FOR_RESPONSES).output_text


def test_several_choices_are_several_answers_and_are_all_paid(stand_in, client):
    completion = chat(client, n=3)
    texts = [choice.message.content for choice in completion.choices]
    assert len(set(texts)) == 3
    assert texts[0] == chat(client).choices[0].message.content
    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    assert completion.usage.completion_tokens == sum(math.ceil(len(text) / 4) for text in texts)
    stand_in.reply_with("12345678", Length())
    scripted = chat(client, n=2)
    assert [choice.message.content for choice in scripted.choices] == ["12345678"] * 2
    assert scripted.usage.completion_tokens == 4
    assert {choice.finish_reason for choice in chat(client, n=2).choices} == {"length"}


def test_several_choices_come_by_turns_in_a_stream(client):
    whole = [choice.message.content for choice in chat(client, n=2).choices]
    texts, order, finished = ["", ""], [], []
    for chunk in chat(client, n=2, stream=True):
        [choice] = chunk.choices
        texts[choice.index] += choice.delta.content or ""
        order.append(choice.index)
        finished += [choice.index] if choice.finish_reason else []
    assert texts == whole
    assert order[:4] == [0, 1, 0, 1]
    assert finished == [0, 1]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"n": 0}, "'n'"),
        ({"n": 129}, "'n'"),
        ({"n": True}, "'n'"),
        ({"logprobs": True, "top_logprobs": 21}, "between 0 and 20"),
        ({"top_logprobs": 3}, "only allowed when 'logprobs'"),
    ],
)
def test_what_makes_no_sense_is_refused(client, more, sentence):
    with pytest.raises(openai.BadRequestError, match=sentence):
        chat(client, **more)


def tokens_of_chat(client, **more):
    return chat(client, logprobs=True, top_logprobs=5, **more).choices[0].logprobs.content


def tokens_of_response(client, **more):
    response = respond(client, include=["message.output_text.logprobs"], top_logprobs=5, **more)
    return response.output[0].content[0].logprobs


def told(tokens):
    return [(t.token, round(t.logprob, 9), [(a.token, round(a.logprob, 9)) for a in t.top_logprobs]) for t in tokens]


def odds(token):
    return {alternative.token: round(math.exp(alternative.logprob), 6) for alternative in token.top_logprobs}


def test_tokens_make_up_the_text_and_have_the_same_probabilities_everywhere(client):
    whole = chat(client, logprobs=True, top_logprobs=5).choices[0]
    tokens = whole.logprobs.content
    assert "".join(token.token for token in tokens) == whole.message.content
    assert all(bytes(token.bytes).decode() == token.token for token in tokens)
    assert all(token.logprob < 0 and token.top_logprobs[0].token == token.token for token in tokens)
    assert all(sum(odds(token).values()) <= 1.000001 for token in tokens)
    assert told(tokens) == told(tokens_of_response(client)) == told(tokens_of_chat(client))
    assert len({token.logprob for token in tokens}) > 1


def test_streams_tell_the_same_probabilities(client):
    chunks = chat(client, stream=True, logprobs=True, top_logprobs=5)
    parts = [chunk.choices[0].logprobs.content for chunk in chunks if chunk.choices[0].logprobs]
    assert [token.token for part in parts for token in part] == [token.token for token in tokens_of_chat(client)]
    events = list(respond(client, stream=True, include=["message.output_text.logprobs"], top_logprobs=5))
    deltas = [event for event in events if event.type == "response.output_text.delta"]
    assert all("".join(token.token for token in event.logprobs) == event.delta for event in deltas)
    assert told([token for event in deltas for token in event.logprobs]) == told(tokens_of_response(client))


def test_probabilities_are_told_only_where_they_are_asked_for(client):
    assert chat(client).choices[0].logprobs is None
    assert respond(client).output[0].content[0].logprobs == []
    assert chat(client, logprobs=True).choices[0].logprobs.content[0].top_logprobs == []


def test_the_probabilities_of_an_enumeration_can_be_scripted(stand_in, client):
    stand_in.when(lambda request: True, Answer(probabilities={"card": 0.5, "card lost": 0.2, "refund": 0.25}))
    asked = {"response_format": CHAT_FORMAT}
    answer = chat(client, **asked).choices[0].message.content
    assert json.loads(answer)["category"] == "card"
    for tokens in (tokens_of_chat(client, **asked), tokens_of_response(client, text=RESPONSES_FORMAT)):
        place = next(n for n, t in enumerate(tokens) if t.token == "card")
        assert odds(tokens[place]) == {"card": 0.7, "refund": 0.25}
        assert odds(tokens[place + 1]) == {'",': round(0.5 / 0.7, 6), " ": round(0.2 / 0.7, 6)}


@pytest.mark.parametrize("seen", [tokens_of_chat, tokens_of_response])
def test_a_scripted_choice_of_several_words_has_its_probability_as_a_product(stand_in, client, seen):
    stand_in.reply_with(Answer("card lost", probabilities={"card": 0.5, "card lost": 0.2, "refund": 0.25}))
    tokens = seen(client)
    assert [token.token for token in tokens] == ["card", " ", "lost"]
    assert math.exp(sum(token.logprob for token in tokens)) == pytest.approx(0.2)


def test_choices_that_are_no_texts_have_probabilities_too(stand_in, client):
    stand_in.reply_with(Answer(probabilities={True: 0.1, False: 0.9}))
    tokens = tokens_of_chat(client, response_format=CHAT_FORMAT)
    assert odds(next(token for token in tokens if token.token == "false")) == {"false": 0.9, "true": 0.1}


def test_a_choice_out_of_the_question_has_the_lowest_number(stand_in, client):
    stand_in.reply_with(Answer("yes", probabilities={"yes": 1.0, "no": 0.0}))
    [token] = tokens_of_chat(client)
    assert [(a.token, a.logprob) for a in token.top_logprobs] == [("yes", 0.0), ("no", -9999.0)]


def test_unscripted_enumerations_have_probabilities_of_the_seed(client):
    tokens = tokens_of_chat(client, response_format=CHAT_FORMAT)
    answer = json.loads("".join(token.token for token in tokens))
    place = next(n for n, t in enumerate(tokens) if t.token in ("card", "refund"))
    assert set(odds(tokens[place])) == {"card", "refund"}
    assert sum(odds(tokens[place]).values()) == pytest.approx(1)
    assert odds(tokens[place])[answer["category"].partition(" ")[0]] > 0.5


def test_the_tokens_of_a_refusal_are_told_as_such(stand_in, client):
    stand_in.reply_with(Refusal("No, never."))
    logprobs = chat(client, logprobs=True).choices[0].logprobs
    assert (logprobs.content, "".join(token.token for token in logprobs.refusal)) == (None, "No, never.")


def test_async_clients_get_the_same(stand_in):
    async def call():
        async with AsyncOpenAI(base_url=stand_in.base_url, api_key="k", max_retries=0) as client:
            stream = await respond(client, tools=FOR_RESPONSES, stream=True)
            events = [event async for event in stream]
            completion = await chat(client, n=2, logprobs=True)
            return events[-1].response.output[0].name, len(completion.choices)

    stand_in.reply_with(Answer(tool_calls=[("get_weather", {})]))
    assert asyncio.run(call()) == ("get_weather", 2)
