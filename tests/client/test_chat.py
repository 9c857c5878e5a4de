"""The one client: text in, the SDK's own object out, whichever interface is behind it."""

import asyncio

import pytest
from asgiref.sync import async_to_sync
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

from aiops import (
    OpenAIIncompleteError,
    OpenAISchemaValidationError,
    OpenAITransportError,
    StreamEnd,
    get_async_openai_client,
    get_openai_client,
    track_costs,
)
from aiops.calls.models import Call
from aiops.gateway.testing import Answer, CutStream, Length, Refusal, Status
from aiops.ledger.models import BudgetPeriod

ASK = [{"role": "user", "content": "What is a chargeback?"}]


class Ticket(BaseModel):
    category: str
    urgent: bool


@pytest.fixture(params=["chat", "responses"])
def api(request, provider, settings, budget):
    """The interface that the connection speaks."""
    aiops = settings.AIOPS
    default = {**aiops["CONNECTIONS"]["default"], "API": request.param}
    settings.AIOPS = {**aiops, "CONNECTIONS": {**aiops["CONNECTIONS"], "default": default}}
    return request.param


@pytest.fixture(params=["blocking", "awaited"])
def call(request):
    """Calls a method of the client, the blocking one or its twin."""

    def blocking(name, *args, **kwargs):
        return getattr(get_openai_client(), name)(*args, **kwargs)

    def awaited(name, *args, **kwargs):
        return async_to_sync(getattr(get_async_openai_client(), name))(*args, **kwargs)

    return blocking if request.param == "blocking" else awaited


def test_a_completion_is_the_sdks_own_object(api, call, provider):
    provider.reply_with("A payment taken back.")
    made = call("chat_completion", ASK, temperature=1, max_tokens=50, purpose="the help page")
    assert isinstance(made, ChatCompletion)
    assert made.choices[0].message.content == "A payment taken back."
    assert made.choices[0].finish_reason == "stop"
    row = Call.objects.get()
    assert made.call_id == str(row.pk)
    assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (row.tokens_in, row.tokens_out)
    assert (row.status, row.operation, row.purpose) == ("succeeded", "completion", "the help page")
    assert row.cost > 0
    assert provider.requests[0].path == ("/v1/chat/completions" if api == "chat" else "/v1/responses")
    assert provider.requests[0].output_limit == 50
    period = BudgetPeriod.objects.get()
    assert (period.held, period.settled) == (0, row.cost)


def test_what_goes_wrong_is_an_error_that_says_whether_trying_again_helps(api, call, provider):
    provider.reply_with(Status(400, message="No such thing."))
    with pytest.raises(OpenAITransportError) as caught:
        call("chat_completion", ASK)
    assert (caught.value.status_code, caught.value.kind, caught.value.retryable) == (400, "bad_request", False)
    assert Call.objects.get(pk=caught.value.call_id).status == "failed"


def test_an_answer_that_is_not_whole_is_an_error_that_holds_it(api, call, provider):
    provider.reply_with(Length("A payment ta"), Refusal("No."))
    with pytest.raises(OpenAIIncompleteError) as caught:
        call("chat_completion", ASK)
    assert caught.value.kind == "cut_off"
    assert caught.value.completion.choices[0].message.content == "A payment ta"
    assert caught.value.completion.choices[0].finish_reason == "length"
    with pytest.raises(OpenAIIncompleteError) as caught:
        call("chat_completion", ASK)
    assert caught.value.kind == "refused"


def test_a_passing_failure_is_sent_again(api, call, provider):
    provider.reply_with(Status(429, retry_after="0"), Status(500), "Fine.")
    assert call("chat_completion", ASK).choices[0].message.content == "Fine."
    row = Call.objects.get()
    assert [attempt["kind"] for attempt in row.attempts] == ["rate_limited", "server_fault"]
    assert row.attempt_count == 3


def test_tools_are_called_by_the_code_that_asked(api, call, provider):
    provider.reply_with(Answer(tool_calls=[("weather", {"city": "Bern"})]), "It rains.")
    weather = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    messages = [{"role": "user", "content": "What is the weather in Bern?"}]
    tools = [{"type": "function", "function": weather}]
    asked = call("chat_completion", messages, tools=tools).choices[0]
    assert asked.finish_reason == "tool_calls"
    wanted = asked.message.tool_calls[0]
    assert (wanted.function.name, wanted.function.arguments) == ("weather", '{"city": "Bern"}')
    messages += [asked.message, {"role": "tool", "tool_call_id": wanted.id, "content": "rain"}]
    assert call("chat_completion", messages, tools=tools).choices[0].message.content == "It rains."
    first, second = Call.objects.order_by("pk")
    assert first.data["tool_calls"][0]["name"] == "weather"
    assert second.output == "It rains."
    assert "rain" in provider.requests[1].text


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, 2]}',
        '```json\n{"a": [1, 2]}\n```',
        'Sure! Here it is:\n\n```\n{"a": [1, 2]}\n```\nAnything else? {or not}',
        'As said in [1], {"a": [1, 2]}.',
    ],
)
def test_json_is_found_whatever_is_around_it(api, call, provider, text):
    provider.reply_with(text)
    assert call("chat_completion_json", ASK) == {"a": [1, 2]}


def test_an_answer_without_json_is_an_error(api, call, provider):
    provider.reply_with("I would rather not.")
    with pytest.raises(OpenAISchemaValidationError) as caught:
        call("chat_completion_json", ASK)
    assert caught.value.raw_output == "I would rather not."
    assert caught.value.validation_errors == ["there is no JSON in it"]
    assert Call.objects.get().error_kind == "schema"


def test_a_class_says_what_the_json_must_be(api, call, provider):
    provider.reply_with({"category": "card", "urgent": True}, {"category": "card"})
    assert call("chat_completion_json", ASK, response_format=Ticket) == {"category": "card", "urgent": True}
    assert provider.requests[0].schema["required"] == ["category", "urgent"]
    with pytest.raises(OpenAISchemaValidationError, match="urgent is missing"):
        call("chat_completion_json", ASK, response_format=Ticket)


def streamed(call, **arguments):
    """What a stream gives, from either client."""
    client = get_openai_client() if call == "blocking" else get_async_openai_client()
    if call == "blocking":
        return list(client.stream(ASK, **arguments))

    async def all_of_it():
        return [piece async for piece in client.stream(ASK, **arguments)]

    return async_to_sync(all_of_it)()


@pytest.fixture(params=["blocking", "awaited"])
def way(request):
    return request.param


def test_a_stream_gives_text_as_it_comes_and_then_its_end(api, way, provider):
    provider.reply_with("A payment that was taken back by the bank of the customer.")
    seen = []
    *pieces, end = streamed(way, on_progress=seen.append)
    assert len(pieces) > 1
    assert "".join(pieces) == "A payment that was taken back by the bank of the customer." == seen[-1] == end.text
    assert isinstance(end, StreamEnd)
    row = Call.objects.get()
    assert (end.finish_reason, end.call_id) == ("stop", row.pk)
    assert (end.usage.tokens_in, end.usage.tokens_out) == (row.tokens_in, row.tokens_out)
    assert end.cost == row.cost > 0
    assert row.output == end.text


@pytest.mark.parametrize("politely", [True, False])
def test_a_stream_that_breaks_off_is_an_error_and_charged_at_its_hold(api, way, provider, politely):
    provider.reply_with(CutStream(after_chunks=6, politely=politely))
    with pytest.raises(OpenAITransportError) as caught:
        streamed(way)
    row = Call.objects.get()
    assert caught.value.kind == row.error_kind == "interrupted"
    assert row.output
    assert row.cost is None
    period = BudgetPeriod.objects.get()
    assert period.held == 0
    assert period.settled > 0
    assert len(provider.requests) == 1


def test_a_stream_that_fails_before_its_first_word_is_sent_again(api, way, provider):
    provider.reply_with(Status(500), "Fine.")
    assert streamed(way)[-1].text == "Fine."
    assert Call.objects.get().attempt_count == 2


def test_whoever_stops_reading_ends_the_call(api, way, provider):
    provider.reply_with(Answer(text="word " * 200, seconds_per_chunk=0.01))
    if way == "blocking":
        pieces = get_openai_client().stream(ASK)
        next(pieces)
        pieces.close()
    else:

        async def first():
            pieces = get_async_openai_client().stream(ASK)
            await anext(pieces)
            await pieces.aclose()

        async_to_sync(first)()
    row = Call.objects.get()
    assert (row.status, row.error_kind) == ("failed", "abandoned")
    assert row.output.startswith("word")
    assert BudgetPeriod.objects.get().held == 0


def test_costs_of_a_block_are_added_up(api, call, provider):
    provider.reply_with("One.", "Two.", "Three.")
    with track_costs() as all_of_it:
        call("chat_completion", ASK)
        with track_costs() as inner:
            call("chat_completion", ASK)
    call("chat_completion", ASK)
    costs = list(Call.objects.order_by("pk").values_list("cost", flat=True))
    assert (all_of_it.nano_dollars, all_of_it.calls) == (sum(costs[:2]), 2)
    assert (inner.nano_dollars, inner.calls, inner.unknown) == (costs[1], 1, 0)


def test_a_task_that_is_cancelled_leaves_no_open_call(api, provider):
    provider.reply_with(Answer(text="Late.", delay=5))

    async def cancelled():
        task = asyncio.create_task(get_async_openai_client().chat_completion(ASK))
        while not provider.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_to_sync(cancelled)()
    row = Call.objects.get()
    assert (row.status, row.error_kind) == ("unknown", "abandoned")
    assert BudgetPeriod.objects.get().held == 0


@pytest.mark.parametrize(
    ("messages", "arguments", "sentence"),
    [
        ("", {}, "The prompt is empty: there is nothing to ask."),
        ("  \n", {}, "The prompt is empty: there is nothing to ask."),
        ([], {}, "messages are empty: give a text, or a list of messages with role and content."),
        ([{"role": "boss", "content": "x"}], {}, "Message 1 has the role 'boss': use system"),
        ([{"role": "user", "content": 7}], {}, "Message 1 has a content of type int: give text or parts."),
        (["x"], {}, "A message is of type str: give a dictionary with role and content."),
        (ASK, {"max_tokens": -1}, "max_tokens is -1: give a whole number above zero."),
        (ASK, {"timeout": -1}, "timeout is -1: give seconds above zero."),
        (ASK, {"timeout": 9e9}, "longer than the connection “default” waits"),
        (ASK, {"stream": True}, "stream is not taken here: use the method stream."),
        (ASK, {"response_format": dict}, "response_format is the class dict: give a Pydantic model."),
        (ASK, {"row": "x"}, "row is str: give a saved object of one of your models."),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_sent(api, call, provider, messages, arguments, sentence):
    with pytest.raises(ValueError, match=sentence.replace("[", r"\[")):
        call("chat_completion", messages, **arguments)
    assert not Call.objects.exists()
    assert provider.requests == []
