"""The stand-in provider speaks Responses as the openai SDK knows it, and says in it what it says in a chat."""

from __future__ import annotations

import asyncio
import json

import httpx2
import jsonschema_rs
import openai
import pytest
from openai import AsyncOpenAI, AzureOpenAI, DefaultAioHttpClient, OpenAI

from aiops.gateway.testing import (
    Answer,
    CutBody,
    CutJson,
    CutStream,
    Disconnect,
    Drip,
    EmptyChoices,
    Events,
    Failed,
    Filtered,
    Flood,
    Hang,
    Html,
    Length,
    Raw,
    Refusal,
    StandIn,
    Status,
    WrongContentType,
)

TRIAGE = {
    "type": "object",
    "properties": {
        "category": {"enum": ["card", "refund"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["category", "confidence"],
    "additionalProperties": False,
}
AS_TRIAGE = {"format": {"type": "json_schema", "name": "triage", "strict": True, "schema": TRIAGE}}


class Triage(openai.BaseModel):
    category: str
    confidence: float


@pytest.fixture
def stand_in():
    with StandIn(seed=7) as provider:
        yield provider


@pytest.fixture
def client(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="any", max_retries=0, timeout=5) as client:
        yield client


def ask(client, asked="My card never came.", **more):
    return client.responses.create(model="gpt-6-luna", input=asked, **more)


def ask_chat(client, text="My card never came.", **more):
    return client.chat.completions.create(model="gpt-6-luna", messages=[{"role": "user", "content": text}], **more)


def events_of(client, **more):
    with ask(client, stream=True, **more) as stream:
        return list(stream)


def test_a_response_has_what_a_response_of_openai_has(client):
    response = ask(client, instructions="Sort it.", metadata={"row": "7"}, temperature=0.2, max_output_tokens=50)
    assert (response.object, response.status, response.error) == ("response", "completed", None)
    assert response.id.startswith("resp_")
    assert (response.instructions, response.metadata, response.temperature) == ("Sort it.", {"row": "7"}, 0.2)
    assert (response.max_output_tokens, response.tools, response.store) == (50, [], True)
    [message] = response.output
    assert (message.type, message.role, message.status) == ("message", "assistant", "completed")
    [part] = message.content
    assert (part.type, part.annotations) == ("output_text", [])
    assert response.output_text == part.text
    assert part.text.endswith(".")


def test_the_same_question_is_answered_the_same_by_both_apis_and_costs_the_same(stand_in, client):
    chat = client.chat.completions.create(
        model="m", messages=[{"role": "system", "content": "Sort it."}, {"role": "user", "content": "My card?"}]
    )
    response = client.responses.create(model="m", instructions="Sort it.", input="My card?")
    listed = client.responses.create(
        model="m", input=[{"role": "system", "content": "Sort it."}, {"role": "user", "content": "My card?"}]
    )
    assert response.output_text == listed.output_text == chat.choices[0].message.content
    assert response.usage.input_tokens == listed.usage.input_tokens == chat.usage.prompt_tokens
    assert response.usage.output_tokens == chat.usage.completion_tokens
    assert response.usage.total_tokens == chat.usage.total_tokens
    assert stand_in.totals.prompt_tokens == 3 * chat.usage.prompt_tokens
    assert stand_in.totals.answers == 3


def test_cached_and_reasoning_tokens_are_inside_the_totals_and_there_is_a_reasoning_item():
    with (
        StandIn(cached_tokens=5, reasoning_tokens=40) as provider,
        OpenAI(base_url=provider.base_url, api_key="k") as client,
    ):
        provider.reply_with("12345678")
        response = ask(client, reasoning={"summary": "auto"}, include=["reasoning.encrypted_content"])
        assert [item.type for item in response.output] == ["reasoning", "message"]
        assert response.output[0].summary[0].text
        assert response.output[0].encrypted_content
        usage = response.usage
        assert usage.input_tokens_details.cached_tokens == 5
        assert usage.input_tokens_details.cache_write_tokens == 0
        assert (usage.output_tokens, usage.output_tokens_details.reasoning_tokens) == (42, 40)
        assert provider.totals.completion_tokens == 42
        assert ask(client).output[0].summary == []


def test_an_answer_of_the_seed_fits_the_schema(client):
    valid = jsonschema_rs.validator_for(TRIAGE).is_valid
    answers = [json.loads(ask(client, f"Ticket {number}", text=AS_TRIAGE).output_text) for number in range(20)]
    assert all(valid(answer) for answer in answers)
    assert len({json.dumps(answer) for answer in answers}) > 10
    assert isinstance(json.loads(ask(client, text={"format": {"type": "json_object"}}).output_text), dict)


def test_the_sdk_parses_an_answer_into_a_class(client):
    assert isinstance(client.responses.parse(model="m", input="x", text_format=Triage).output_parsed, Triage)


def test_every_part_of_the_input_is_read(stand_in, client):
    client.responses.create(
        model="m",
        instructions="Be brief.",
        input=[
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "detail": "low", "image_url": "data:image/png;base64,AAAA"},
                    {"type": "input_image", "detail": "auto", "file_id": "file-1"},
                    {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
                ],
            },
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "a cat"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A cat."}]},
        ],
    )
    [request] = stand_in.requests
    assert request.messages == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"detail": "low", "url": "data:image/png;base64,AAAA"}},
                {"type": "image_url", "image_url": {"detail": "auto", "file_id": "file-1"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "a cat"},
        {"role": "assistant", "content": [{"type": "text", "text": "A cat."}]},
    ]
    assert request.text == "Be brief.\n\nWhat is this?\n\n\n\n\n\n\na cat\n\nA cat."


def test_what_was_asked_reads_as_that_of_a_chat_does(stand_in, client):
    ask(client, "Ticket 7", text=AS_TRIAGE, max_output_tokens=50)
    ask_chat(
        client,
        "Ticket 7",
        response_format={"type": "json_schema", "json_schema": {"name": "triage", "schema": TRIAGE}},
        max_completion_tokens=50,
    )
    response, chat = stand_in.requests
    assert (response.operation, response.path) == ("responses", "/v1/responses")
    assert (chat.operation, chat.path) == ("chat", "/v1/chat/completions")
    for name in ("model", "messages", "text", "schema", "output_limit", "streamed", "wants_json"):
        assert getattr(response, name) == getattr(chat, name), name
    assert (response.schema, response.output_limit, response.number, chat.number) == (TRIAGE, 50, 1, 2)


def test_rules_and_script_answer_whichever_api_is_asked(stand_in, client):
    stand_in.when(lambda request: "Ticket 2" in request.text, Status(400, message="Row two is bad."))
    stand_in.reply_with("one", {"category": "card"}, lambda request: request.text.upper())
    assert ask(client, "Ticket 1").output_text == "one"
    with pytest.raises(openai.BadRequestError, match="Row two is bad"):
        ask(client, "Ticket 2")
    assert ask_chat(client, "x").choices[0].message.content == '{"category": "card"}'
    assert ask(client, "obey me").output_text == "OBEY ME"


def test_a_stream_tells_every_step_in_order(stand_in, client):
    stand_in.reply_with("one two three")
    events = events_of(client)
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(11))
    assert (events[0].response.status, events[0].response.output, events[0].response.usage) == ("in_progress", [], None)
    assert (events[2].item.content, events[2].item.status) == ([], "in_progress")
    assert "".join(event.delta for event in events[4:7]) == events[7].text == "one two three"
    assert {event.item_id for event in events[3:9]} == {events[9].item.id}
    assert events[-1].response.output == [events[9].item]
    assert {event.response.id for event in (events[0], events[1], events[-1])} == {events[0].response.id}


def test_a_stream_says_what_the_whole_answer_says(client):
    whole = ask(client, text=AS_TRIAGE)
    last = events_of(client, text=AS_TRIAGE)[-1].response
    assert (last.output_text, last.usage, last.status) == (whole.output_text, whole.usage, whole.status)


def test_a_stream_tells_the_reasoning_first():
    with StandIn(reasoning_tokens=9) as provider, OpenAI(base_url=provider.base_url, api_key="k") as client:
        events = events_of(client, reasoning={"summary": "auto"})
    kinds = [event.type for event in events]
    assert kinds[3] == "response.reasoning_summary_part.added"
    said = "".join(event.delta for event in events if event.type == "response.reasoning_summary_text.delta")
    assert said == events[-1].response.output[0].summary[0].text
    assert [event.output_index for event in events if event.type == "response.output_item.done"] == [0, 1]


def test_the_sdk_itself_can_add_a_stream_up(stand_in, client):
    stand_in.reply_with("one two three")
    with client.responses.stream(model="m", input="x") as stream:
        assert stream.get_final_response().output_text == "one two three"


INCOMPLETE = [
    (Length('{"category": "ca'), "incomplete", "max_output_tokens", '{"category": "ca', None),
    (Filtered("Half a"), "incomplete", "content_filter", "Half a", None),
    (Refusal("No."), "completed", None, "", "No."),
    (EmptyChoices(), "completed", None, "", None),
    (Failed("Half a"), "failed", None, "Half a", None),
]


@pytest.mark.parametrize(("reply", "status", "reason", "text", "refusal"), INCOMPLETE)
@pytest.mark.parametrize("stream", [False, True])
def test_incomplete_answers_look_as_those_of_openai(stand_in, client, reply, status, reason, text, refusal, stream):
    stand_in.reply_with(reply)
    if stream:
        events = events_of(client)
        assert events[-1].type == f"response.{status}"
        assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == text
        assert "".join(e.delta for e in events if e.type == "response.refusal.delta") == (refusal or "")
        response = events[-1].response
    else:
        response = ask(client)
    assert (response.status, response.output_text) == (status, text)
    assert (response.incomplete_details.reason if response.incomplete_details else None) == reason
    parts = [part for item in response.output for part in item.content]
    assert next((part.refusal for part in parts if part.type == "refusal"), None) == refusal
    assert response.usage.input_tokens == stand_in.totals.prompt_tokens == 12
    assert (stand_in.totals.answers, stand_in.totals.lost_answers) == (1, 0)


def test_a_failed_response_says_why(stand_in, client):
    stand_in.reply_with(Failed(code="rate_limit_exceeded", message="Too much."), Failed(usage=None))
    response = ask(client)
    assert (response.status, response.error.code, response.error.message) == (
        "failed",
        "rate_limit_exceeded",
        "Too much.",
    )
    assert response.output == []
    assert ask(client).usage is None


def test_a_chat_that_fails_is_an_error_and_in_a_stream_one_after_its_words(stand_in, client):
    stand_in.reply_with(Failed(message="Gone."), Failed("Half a", message="Gone."))
    with pytest.raises(openai.InternalServerError, match="Gone"):
        ask_chat(client)
    assert (stand_in.totals.answers, stand_in.totals.lost_answers) == (0, 0)
    said = []
    with pytest.raises(openai.APIError, match="Gone"):  # noqa: PT012 - it fails in the reading
        for chunk in ask_chat(client, stream=True):
            said.append(chunk.choices[0].delta.content)
    assert said == ["", "Half ", "a"]
    assert (stand_in.totals.answers, stand_in.totals.lost_answers) == (0, 1)


def test_an_answer_of_the_seed_keeps_to_the_output_limit_and_says_so(client):
    long = {"type": "object", "properties": {"a": {"const": "x" * 400}}, "required": ["a"]}
    cut = ask(client, max_output_tokens=16, text={"format": {"type": "json_schema", "name": "long", "schema": long}})
    assert ask(client, max_output_tokens=160).status == "completed"
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert cut.usage.output_tokens == 16


@pytest.mark.parametrize(
    ("usage", "told", "counted"),
    [
        ({"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}, None, (9, 4)),
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 2}},
            {"input_tokens": 9, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 2}},
            (9, 4),
        ),
        ({"prompt_tokens": -5, "completion_tokens": 4}, {"input_tokens": -5, "output_tokens": 4}, (12, 1)),
        ({"input_tokens": 10**15, "output_tokens": 1}, None, (10**15, 1)),
        (None, None, (12, 1)),
    ],
)
def test_a_scripted_usage_is_told_in_the_words_of_the_api(stand_in, client, usage, told, counted):
    stand_in.reply_with(Answer("ok", usage=usage))
    raw = client.responses.with_raw_response.create(model="m", input="My card never came.")
    assert json.loads(raw.text)["usage"] == (told or usage)
    assert (stand_in.totals.prompt_tokens, stand_in.totals.completion_tokens) == counted


def test_a_usage_in_the_words_of_responses_is_told_in_a_chat_too(stand_in, client):
    stand_in.reply_with(Answer("ok", usage={"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}))
    assert ask_chat(client).usage.prompt_tokens == 9


def test_model_and_headers_of_an_answer_are_told(stand_in, client):
    stand_in.reply_with(Answer("x", model="gpt-x", headers={"x-request-id": "req_mine"}), Answer("y"))
    response = ask(client)
    assert (response.model, response._request_id, ask(client).model) == ("gpt-x", "req_mine", "gpt-6-luna")


def test_a_chat_without_a_finish_reason_is_a_response_that_never_ends(stand_in, client):
    stand_in.reply_with(Answer("x", finish_reason=None), Answer("x", finish_reason=None))
    assert ask(client).status == "in_progress"
    assert events_of(client)[-1].type == "response.output_item.done"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Status(429, code="insufficient_quota"), openai.RateLimitError),
        (Status(503), openai.InternalServerError),
        (Html("<p>down</p>", status=502), openai.InternalServerError),
        (Disconnect(), openai.APIConnectionError),
        (Hang(0.05), openai.APIConnectionError),
        (CutBody(), (openai.APIConnectionError, httpx2.RemoteProtocolError)),
        (CutJson(), json.JSONDecodeError),
        (CutStream(after_chunks=3), (openai.APIConnectionError, openai.APIError, httpx2.RemoteProtocolError)),
        (Events(("{not json",)), (json.JSONDecodeError, AttributeError)),
        (Raw(b"[" * 100_000), (RecursionError, json.JSONDecodeError)),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_goes_wrong_in_a_chat_goes_wrong_here(stand_in, client, reply, error, stream):
    def read():
        answer = ask(client, stream=True) if stream else ask(client)
        if not stream:
            return answer.output_text
        kinds = [event.type for event in answer]
        if "response.completed" not in kinds:
            raise openai.APIConnectionError(request=httpx2.Request("POST", "http://x"))
        return kinds

    stand_in.reply_with(reply)
    expected = (*error, openai.APIConnectionError) if isinstance(error, tuple) else (error, openai.APIConnectionError)
    with pytest.raises(expected):
        read()
    assert stand_in.totals.answers == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_content_type_a_flood_and_a_drip_hide_a_good_answer(stand_in, stream):
    stand_in.reply_with(WrongContentType(of=Answer("fine")), Flood(100_000), Drip(0.0, of=Answer("fine")))
    asked = {"model": "m", "input": "x", "stream": stream}
    wrong, flood, drip = (httpx2.post(f"{stand_in.base_url}/responses", json=asked) for _ in range(3))
    assert wrong.headers["content-type"].startswith("text/plain")
    assert ("response.completed" in wrong.text) == stream
    assert "fine" in wrong.text
    assert len(flood.content) == 100_000
    assert flood.headers["content-type"].startswith("text/event-stream" if stream else "application/json")
    assert drip.text.count("fine") == wrong.text.count("fine")
    assert (stand_in.totals.answers, stand_in.totals.lost_answers) == (2, 0)


def test_a_stream_cut_politely_has_no_terminal_event(stand_in, client):
    stand_in.reply_with(CutStream(after_chunks=5, politely=True, of=Answer("one two three")))
    assert [event.type for event in events_of(client)][-1] == "response.output_text.delta"
    assert stand_in.totals.lost_answers == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"model": "m"}, "Missing required parameter: 'input'"),
        ({"model": "m", "input": []}, "'input'"),
        ({"input": "x"}, "model parameter"),
        (
            {"model": "m", "input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
            "Invalid value: 'text'",
        ),
        ({"model": "m", "input": "x", "text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
        ({"model": "m", "input": "x", "text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
        ({"model": "m", "input": "x", "max_output_tokens": 2}, "below minimum value"),
        ({"model": "m", "input": "x", "previous_response_id": "r", "conversation": "c"}, "Mutually exclusive"),
        ([], "not a JSON object"),
    ],
)
def test_a_bad_request_is_refused_in_words(stand_in, client, body, sentence):
    with pytest.raises(openai.BadRequestError, match=sentence):
        client.post("/responses", body=body, cast_to=object)
    assert (stand_in.totals.requests, stand_in.totals.answers) == (1, 0)


def test_azure_and_others_find_it_where_they_look():
    with StandIn(api_key="right") as provider:
        root = provider.base_url.removesuffix("/v1")
        with AzureOpenAI(azure_endpoint=root, api_key="right", api_version="2026-06-01", max_retries=0) as client:
            assert ask(client).status == "completed"
        for base in (f"{root}/openai/v1", root, f"{root}/proxy/v1"):
            with OpenAI(base_url=base, api_key="right", max_retries=0) as client:
                assert ask(client).status == "completed"
                assert ask_chat(client).choices
        assert provider.requests[0].path == "/openai/responses"
        with OpenAI(base_url=root, api_key="right", max_retries=0) as client, pytest.raises(openai.NotFoundError):
            client.get("/responses/resp_1/nothing", cast_to=object)


def test_async_clients_get_the_same():
    async def both(base_url):
        async with AsyncOpenAI(
            base_url=base_url, api_key="k", max_retries=0, http_client=DefaultAioHttpClient()
        ) as client:
            whole = await client.responses.create(model="m", input="x")
            stream = await client.responses.create(model="m", input="x", stream=True)
            events = [event async for event in stream]
            many = await asyncio.gather(*(client.responses.create(model="m", input=str(n)) for n in range(50)))
            return whole, events[-1].response, many

    with StandIn() as provider:
        whole, streamed, many = asyncio.run(both(provider.base_url))
        assert whole.output_text == streamed.output_text
        assert provider.totals.answers == 52
        counted = [whole.usage, streamed.usage, *(response.usage for response in many)]
        assert provider.totals.prompt_tokens == sum(usage.input_tokens for usage in counted)
        assert provider.totals.completion_tokens == sum(usage.output_tokens for usage in counted)
