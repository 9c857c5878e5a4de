"""A provider for tests of the shop's code: scripted, asked by either client, without a socket."""

import asyncio

import httpx2
import openai
import pytest
from asgiref.sync import async_to_sync
from pydantic import BaseModel

from aiops import (
    Fallback,
    OpenAIIncompleteError,
    OpenAITransportError,
    RetryPolicy,
    get_async_openai_client,
    get_openai_client,
    get_structured_completion_sync,
)
from aiops.calls.models import Call
from aiops.gateway.connections import get_connection
from aiops.testing import (
    Answer,
    CutBody,
    CutJson,
    CutStream,
    Deep,
    Disconnect,
    Drip,
    EmptyChoices,
    Ending,
    Filtered,
    Flood,
    HalfClosed,
    Hang,
    Html,
    Length,
    Redirect,
    Refusal,
    Status,
    stand_in,
)

ASK = [{"role": "user", "content": "What is a chargeback?"}]
ONCE = RetryPolicy(attempts=1)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
WAV = b"RIFF\x24\0\0\0WAVEfmt " + b"\x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data" + b"\0" * 4


class Contact(BaseModel):
    name: str


@pytest.fixture
def provider():
    with stand_in() as provider:
        yield provider


@pytest.fixture(params=["chat", "responses"])
def api(request, settings):
    """The interface that the connection speaks."""
    default = {"MODEL": "gpt-6-luna", "API": request.param}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default, "backup": {"MODEL": "gpt-6.1-terra"}}}
    return request.param


@pytest.fixture(params=["blocking", "awaited"])
def call(request, db):
    """Calls a method of the client, the blocking one or its twin."""

    def blocking(name, *args, **kwargs):
        made = getattr(get_openai_client(), name)(*args, **kwargs)
        return list(made) if name == "stream" else made

    def awaited(name, *args, **kwargs):
        method = getattr(get_async_openai_client(), name)

        async def pieces():
            return [piece async for piece in method(*args, **kwargs)]

        return async_to_sync(pieces)() if name == "stream" else async_to_sync(method)(*args, **kwargs)

    return blocking if request.param == "blocking" else awaited


def test_every_method_is_answered_as_scripted(api, call, provider):
    provider.when(operation="embedding").reply_with(Answer(data=[0.5, 0.25]))
    provider.when(operation="moderation").reply_with({"violence": 0.9})
    provider.when(operation="transcription").reply_with("My card never came.")
    provider.when(operation="speech").reply_with(Answer())
    provider.reply_with("A payment taken back.", {"category": "card"}, "A cat.", "A bank takes money back.")
    assert call("chat_completion", ASK).choices[0].message.content == "A payment taken back."
    assert call("chat_completion_json", ASK) == {"category": "card"}
    assert call("create_with_vision", "What is it?", PNG).choices[0].message.content == "A cat."
    *pieces, end = call("stream", ASK)
    assert "".join(pieces) == end.text == "A bank takes money back."
    assert call("embed", "A text") == [0.5, 0.25]
    assert call("moderate", "A threat").categories == ("violence",)
    assert call("transcribe", WAV) == "My card never came."
    assert call("speak", "Hello").startswith(b"RIFF")
    provider.reply_with(Answer(probabilities={"A": 0.8, "B": 0.2}))
    assert call("classify", "My card never came.", ["card", "cash"]).choice == "card"
    assert [one.operation for one in provider.asked] == [
        *["completion"] * 4,
        *("embedding", "moderation", "transcription", "speech", "completion"),
    ]
    assert provider.asked[3].streamed
    assert Call.objects.filter(status="succeeded").count() == 9
    provider.assert_all_replies_used()


def test_the_sdks_own_client_is_answered_too(api, call, provider, db):
    provider.reply_with("One.", Status(429, retry_after="0"))
    sdk = get_openai_client().sdk
    assert sdk.chat.completions.create(model="gpt-6-luna", messages=ASK).choices[0].message.content == "One."
    with pytest.raises(openai.RateLimitError):
        sdk.chat.completions.create(model="gpt-6-luna", messages=ASK)
    assert [call.status for call in Call.objects.order_by("pk")] == ["succeeded", "failed"]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Status(429, retry_after="0"), "rate_limited"),
        (Status(429, code="insufficient_quota"), "quota_exhausted"),
        (Status(401), "bad_key"),
        (Status(500), "server_fault"),
        (Html(), "malformed"),
        (CutJson(), "malformed"),
        (CutBody(), "interrupted"),
        (Disconnect(), "interrupted"),
        (Hang(), "interrupted"),
        (Hang(after_headers=True), "interrupted"),
        (Flood(20 * 2**20), "malformed"),
        (Flood(20 * 2**20, compressed=True), "malformed"),
        (Deep(outside=True), "malformed"),
        (Ending(times=0), "malformed"),
        (Ending(times=2), "malformed"),
        (HalfClosed(), "interrupted"),
        (Redirect(), "bad_request"),
        (Redirect(status=301), "bad_request"),
        (Refusal(), "refused"),
        (Length(), "cut_off"),
        (Filtered(), "filtered"),
        (EmptyChoices(), "empty"),
    ],
)
def test_a_fault_is_the_error_that_it_is_over_a_network(fault, kind, api, call, provider):
    provider.reply_with(fault)
    with pytest.raises((OpenAITransportError, OpenAIIncompleteError)) as caught:
        call("chat_completion", ASK, retry=ONCE)
    assert caught.value.kind == kind
    assert Call.objects.get().error_kind == kind


@pytest.mark.parametrize(
    "fault", [CutStream(3), CutStream(3, politely=True), Ending(times=0), Disconnect(), CutBody(), HalfClosed()]
)
def test_a_stream_breaks_off_as_over_a_network(fault, api, call, provider):
    provider.reply_with(fault)
    with pytest.raises(OpenAITransportError) as caught:
        call("stream", ASK, retry=ONCE)
    assert caught.value.kind == "interrupted"


def test_half_a_closed_connection_is_noticed_at_once_and_not_by_a_time_that_ran_out(provider, db):
    provider.reply_with(HalfClosed(), Hang(after_headers=True))
    sdk = get_openai_client().sdk
    seen = []
    for _ in range(2):
        with pytest.raises((openai.APIConnectionError, httpx2.TransportError)) as caught:
            sdk.chat.completions.create(model="gpt-6-luna", messages=ASK)
        seen.append(isinstance(caught.value, openai.APITimeoutError | httpx2.TimeoutException))
    assert seen == [False, True]


def test_whoever_stops_reading_a_stream_ends_it(api, provider, db):
    provider.reply_with(Answer("word " * 100))
    stream = get_openai_client().stream(ASK)
    next(stream)
    stream.close()
    assert Call.objects.get().error_kind == "abandoned"
    assert (provider.totals.in_flight, provider.totals.answers, provider.totals.lost_answers) == (0, 0, 1)


def test_an_answer_may_come_slowly(call, provider):
    provider.reply_with(Answer("Hi", delay=0.01), Drip(0.0001))
    assert call("chat_completion", ASK).choices[0].message.content == "Hi"
    assert call("chat_completion", ASK).choices[0].message.content


def test_a_retry_is_a_question_of_its_own(call, provider):
    provider.reply_with(Status(429, retry_after="0"), "Fine.")
    assert call("chat_completion", ASK).choices[0].message.content == "Fine."
    provider.assert_asked(2, text="chargeback")


def test_a_fallback_is_asked_over_its_own_connection(api, db):
    with stand_in() as provider:
        provider.when(connection="default").always(Status(401))
        provider.when(connection="backup").reply_with("Here I am.")
        made = get_openai_client().chat_completion(ASK, fallbacks=["backup"])
        assert made.choices[0].message.content == "Here I am."
        assert provider.assert_asked_once(connection="backup").model == "gpt-6.1-terra"
        assert provider.assert_asked_once(connection="default").model == "gpt-6-luna"


@pytest.mark.parametrize("version", ["", "2026-10-21"])
def test_azure_is_stood_in_for_by_both_of_its_interfaces(settings, version, call):
    azure = {"AZURE_ENDPOINT": "https://shop.openai.azure.com", "AZURE_DEPLOYMENT": "ours", "MODEL": "gpt-6-luna"}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": {**azure, "API_VERSION": version}}}
    with stand_in() as provider:
        provider.reply_with("Fine.")
        assert call("chat_completion", ASK).choices[0].message.content == "Fine."
        assert ("/deployments/ours/" in provider.asked[0].received.path) == bool(version)


def test_rules_come_before_the_script_each_reply_once_then_what_is_always_said(call, provider):
    provider.reply_with("From the script.")
    provider.when(text="refund").reply_with("First.").always("Again.")
    said = [
        call("chat_completion", text).choices[0].message.content
        for text in ("A refund", "A card", "A refund", "A refund")
    ]
    assert said == ["First.", "From the script.", "Again.", "Again."]


def test_a_function_may_answer(call, provider):
    provider.when(text="echo").always(lambda request: request.text.upper())
    assert call("chat_completion", "echo this").choices[0].message.content == "ECHO THIS"


def test_what_was_asked_can_be_looked_at(api, call, provider):
    provider.reply_with({"name": "Ann"})
    get_structured_completion_sync("Who is it?", "gpt-6-luna", Contact, max_tokens=77)
    asked = provider.assert_asked_once(text="Who is it?", model="gpt-6-luna", operation="completion", streamed=False)
    assert asked.schema["properties"]["name"]["type"] == "string"
    assert asked.output_limit == 77
    assert asked.messages[-1]["content"] == "Who is it?"
    provider.assert_nothing_asked(text="cash")


def test_what_was_not_asked_as_expected_is_told_in_full(call, provider):
    with pytest.raises(AssertionError, match=r"^Nothing was asked with text='card'\.$"):
        provider.assert_asked(text="card")
    provider.reply_with("Fine.", "Fine.")
    call("chat_completion", ASK)
    call("chat_completion", ASK)
    with pytest.raises(AssertionError) as caught:
        provider.assert_asked_once(text="chargeback")
    line = "completion of gpt-6-luna over “default”: What is a chargeback?"
    assert str(caught.value) == f"Asked 2 times with text='chargeback', not 1. Asked was:\n  {line}\n  {line}"
    with pytest.raises(AssertionError, match="Nothing should have been asked"):
        provider.assert_nothing_asked()
    with pytest.raises(TypeError, match="'colour'"):
        provider.assert_asked(colour="red")
    with pytest.raises(TypeError, match="'colour'"):
        provider.when(colour="red")


def test_a_question_that_nothing_is_scripted_for_is_refused_and_fails_the_test(call):
    @stand_in()
    def a_test():
        with pytest.raises(OpenAITransportError, match="Nothing is scripted for this question") as refused:
            call("chat_completion", ASK)
        assert refused.value.status_code == 400

    with pytest.raises(AssertionError) as caught:
        a_test()
    line = "completion of gpt-6-luna over “default”: What is a chargeback?"
    assert str(caught.value) == f"Nothing was scripted for these questions:\n  {line}"


def test_an_error_of_the_test_itself_is_not_hidden_by_it(call):
    with pytest.raises(OpenAITransportError, match="Nothing is scripted"), stand_in():
        call("chat_completion", ASK)


def test_a_function_of_the_test_that_fails_is_shown(call):
    def a_test():
        with stand_in() as provider:
            provider.when().always(lambda request: 1 / 0)
            with pytest.raises(OpenAITransportError):
                call("chat_completion", ASK, retry=ONCE)

    with pytest.raises(ZeroDivisionError):
        a_test()


def test_unscripted_questions_may_be_answered_so_that_they_fit(api, call):
    with stand_in(unscripted="answer"):
        assert set(call("chat_completion_json", ASK, response_format=Contact)) == {"name"}


def test_replies_that_nobody_asked_for_fail_the_test_where_that_is_wanted(db):
    with pytest.raises(AssertionError, match="Nobody asked for these replies"), stand_in(leftovers="fail") as provider:
        provider.reply_with("Fine.")
    with stand_in() as provider:
        provider.reply_with("Fine.")
        provider.when(text="card").reply_with("Yes.")
        with pytest.raises(AssertionError) as caught:
            provider.assert_all_replies_used()
        assert (
            str(caught.value) == "Nobody asked for these replies:\n  'Fine.'\n  'Yes.', for questions with text='card'"
        )


@pytest.mark.parametrize("wrong", [{"unscripted": "ignore"}, {"leftovers": "answer"}])
def test_a_manner_that_there_is_not_is_refused(wrong):
    with pytest.raises(ValueError, match="unscripted is"), stand_in(**wrong):
        pass


def test_the_connections_are_as_they_were_afterwards(settings):
    before = get_connection()
    with stand_in():
        assert get_connection().base_url == "https://default.in-process.invalid/v1"
        assert get_connection().model == before.model
        with stand_in() as inner:
            inner.reply_with("Fine.")
    assert get_connection() == before


def test_the_inner_of_two_is_asked_and_then_the_outer_again(call, provider):
    provider.reply_with("Outer.")
    with stand_in() as inner:
        inner.reply_with("Inner.")
        assert call("chat_completion", ASK).choices[0].message.content == "Inner."
    assert call("chat_completion", ASK).choices[0].message.content == "Outer."


def test_what_one_test_broke_the_next_finds_whole(settings, db):
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": {}, "backup": {}}}
    with stand_in() as provider:
        provider.when(connection="default").always(Status(401))
        provider.when(connection="backup").always("Here I am.")
        for _ in range(4):
            get_openai_client().chat_completion(ASK, fallbacks=[Fallback(connection="backup")])
        # It is left alone by now.
        provider.assert_asked(3, connection="default")
    with stand_in() as provider:
        provider.when(connection="default").reply_with("So am I.")
        made = get_openai_client().chat_completion(ASK, fallbacks=[Fallback(connection="backup")])
        assert made.choices[0].message.content == "So am I."


@pytest.mark.django_db(transaction=True)
def test_many_may_ask_at_once(provider):
    provider.when().always(lambda request: Answer(request.text, delay=0.05))

    async def all_of_them():
        from asgiref.sync import sync_to_async
        from django.db import connection

        client = get_async_openai_client()
        try:
            return await asyncio.gather(*(client.chat_completion(f"Number {n}") for n in range(30)))
        finally:
            await sync_to_async(lambda: connection.close())()

    said = [made.choices[0].message.content for made in asyncio.run(all_of_them())]
    assert said == [f"Number {n}" for n in range(30)]
    assert provider.totals.peak_in_flight > 1


def test_the_fixture_is_the_same(openai_stand_in, call):
    openai_stand_in.reply_with("Fine.")
    assert call("chat_completion", ASK).choices[0].message.content == "Fine."
    openai_stand_in.assert_asked_once()
