"""Streams of the SDK's own client: each is one call, however it ends, and nothing holds its words back."""

import asyncio
import gc
import threading
from contextlib import suppress

import openai
import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from pydantic import BaseModel

from aiops import get_async_openai_client, get_openai_client, track_costs
from aiops.calls.models import Call
from aiops.gateway.testing import Answer, CutStream, Events, Failed, Filtered, Length
from aiops.ledger.models import BudgetPeriod
from tests.client.sdk import ASK, CHAT, charged_at_its_hold, closed

TEXT = "A payment that was taken back by the bank of the customer."
USAGE = {"stream": True, "stream_options": {"include_usage": True}}


class Ticket(BaseModel):
    category: str


@pytest.fixture
def read(way, use):
    """Reads a stream: all of it, or so many events. What was left is closed only where that is asked."""

    def all_of_it(create, most=None, *, close=True):
        def blocking(sdk):
            stream, events = create(sdk), []
            for event in stream:
                events.append(event)
                if len(events) == most:
                    break
            if close:
                stream.close()
            return events

        async def awaited(sdk):
            stream, events = await create(sdk), []
            async for event in stream:
                events.append(event)
                if len(events) == most:
                    break
            if close:
                await stream.close()
            return events

        return use(blocking if way == "blocking" else awaited)

    return all_of_it


def words(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@pytest.mark.parametrize("close", [True, False])
def test_a_stream_that_is_read_to_its_end_is_a_call_like_any_other(read, provider, close):
    provider.reply_with(TEXT)
    chunks = read(lambda sdk: sdk.chat.completions.create(**CHAT, **USAGE), close=close)
    assert words(chunks) == TEXT
    row = closed()
    assert (row.status, row.output, row.finish_reason) == ("succeeded", TEXT, "stop")
    assert (row.tokens_in, row.tokens_out) == (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens)
    assert row.cost > 0


def test_a_stream_that_tells_no_usage_is_charged_at_its_hold(read, provider):
    provider.reply_with(TEXT)
    with track_costs() as spent:
        assert words(read(lambda sdk: sdk.chat.completions.create(**CHAT, stream=True))) == TEXT
    row = charged_at_its_hold()
    assert (row.status, row.output) == ("succeeded", TEXT)
    assert (spent.calls, spent.unknown) == (1, 1)


def test_a_streamed_response_is_a_call_like_any_other(read, provider):
    provider.reply_with(TEXT)
    events = read(lambda sdk: sdk.responses.create(model="gpt-6-luna", input=ASK, stream=True))
    assert events[-1].response.output_text == TEXT
    row = closed()
    assert (row.status, row.output) == ("succeeded", TEXT)
    assert row.cost > 0


def test_the_stream_managers_of_the_sdk_are_logged(use, way, provider):
    provider.reply_with(TEXT, TEXT)

    def blocking(sdk):
        with sdk.chat.completions.stream(**CHAT) as stream:
            chat = stream.get_final_completion()
        with sdk.responses.stream(model="gpt-6-luna", input=ASK) as stream:
            return chat, stream.get_final_response()

    async def awaited(sdk):
        async with sdk.chat.completions.stream(**CHAT) as stream:
            chat = await stream.get_final_completion()
        async with sdk.responses.stream(model="gpt-6-luna", input=ASK) as stream:
            return chat, await stream.get_final_response()

    with track_costs() as spent:
        chat, response = use(blocking if way == "blocking" else awaited)
    assert (chat.choices[0].message.content, response.output_text) == (TEXT, TEXT)
    assert list(Call.objects.values_list("status", "output")) == [("succeeded", TEXT)] * 2
    assert spent.calls == 2


@pytest.mark.parametrize("interface", ["chat", "responses"])
def test_a_stream_that_is_left_early_is_closed_with_what_had_come(read, provider, interface):
    provider.reply_with(Answer(text="word " * 200, seconds_per_chunk=0.01))
    if interface == "chat":
        read(lambda sdk: sdk.chat.completions.create(**CHAT, **USAGE), 5)
    else:
        read(lambda sdk: sdk.responses.create(model="gpt-6-luna", input=ASK, stream=True), 10)
    row = charged_at_its_hold()
    assert (row.status, row.error_kind) == ("failed", "abandoned")
    assert row.output.startswith("word")
    assert len(row.output) < 1000


def test_a_stream_that_is_forgotten_is_closed_once_nobody_holds_it(provider, budget):
    provider.reply_with(Answer(text="word " * 200, seconds_per_chunk=0.01))
    for _chunk in get_openai_client().sdk.chat.completions.create(**CHAT, **USAGE):
        break
    gc.collect()
    assert charged_at_its_hold().error_kind == "abandoned"


@pytest.mark.django_db(transaction=True)
def test_an_awaited_stream_that_is_forgotten_is_closed_with_the_event_loop(provider, budget, run):
    provider.reply_with(Answer(text="word " * 200, seconds_per_chunk=0.01))

    async def forgotten():
        async for _chunk in await get_async_openai_client().sdk.chat.completions.create(**CHAT, **USAGE):
            break

    # The SDK itself leaves such a stream open until then.
    run(forgotten())
    assert charged_at_its_hold().error_kind == "abandoned"


@pytest.mark.parametrize("politely", [True, False])
def test_a_stream_that_is_cut_off_is_charged_at_its_hold(read, provider, politely):
    provider.reply_with(CutStream(of=Answer(text=TEXT), after_chunks=6, politely=politely))
    create = lambda sdk: sdk.chat.completions.create(**CHAT, **USAGE)  # noqa: E731
    if politely:
        # The SDK does not notice.
        said = words(read(create))
    else:
        with pytest.raises(Exception, match=r"closed|peer|incomplete|Connection"):
            read(create)
        said = None
    row = charged_at_its_hold()
    assert (row.status, row.error_kind) == ("failed", "interrupted")
    assert row.output
    assert TEXT.startswith(row.output)
    assert said in (row.output, None)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Length("A payment"), "cut_off"),
        (Filtered("A"), "filtered"),
        (Failed("A"), "interrupted"),
        (Events(("{", "{}")), "malformed"),
        (Events(('{"error": {"message": "no credit", "code": "insufficient_quota"}}',)), "quota_exhausted"),
    ],
)
def test_a_stream_that_ends_badly_says_so_in_the_log(read, provider, reply, kind):
    provider.reply_with(reply)
    # As the SDK says it, or does not.
    with suppress(openai.APIError, ValueError):
        read(lambda sdk: sdk.chat.completions.create(**CHAT, **USAGE))
    row = Call.objects.get()
    assert (row.status, row.error_kind) == ("failed", kind)
    assert BudgetPeriod.objects.get().held == 0


def test_the_first_words_arrive_before_the_last_are_sent(way, use, provider):
    rest = threading.Event()

    class Waiting(Answer):
        async def send(self, exchange):
            draft = self.draft(exchange)
            exchange.promise(draft)
            await exchange.begin()
            streamed = draft.streamed()
            pieces = [*streamed.pieces, *streamed.ending]
            for piece in pieces[:3]:
                await exchange.piece(piece)
            assert await asyncio.to_thread(rest.wait, 30)
            for piece in pieces[3:]:
                await exchange.piece(piece)
            await exchange.end()

    provider.reply_with(Waiting(text=TEXT))

    def note(chunk, seen):
        seen.append(chunk)
        if words(seen):
            # Only now does the provider go on.
            rest.set()

    def blocking(sdk):
        seen = []
        for chunk in sdk.chat.completions.create(**CHAT, **USAGE):
            note(chunk, seen)
        return seen

    async def awaited(sdk):
        seen = []
        async for chunk in await sdk.chat.completions.create(**CHAT, **USAGE):
            note(chunk, seen)
        return seen

    assert words(use(blocking if way == "blocking" else awaited)) == TEXT
    assert closed().output == TEXT


@pytest.mark.django_db(transaction=True)
def test_a_stream_may_end_inside_a_transaction_that_began_after_it(provider, budget):
    provider.reply_with(TEXT)
    stream = get_openai_client().sdk.chat.completions.create(**CHAT, **USAGE)
    with transaction.atomic():
        assert words(stream) == TEXT
    assert closed().status == "succeeded"


def test_a_stream_of_a_transcription_is_read(use, way, provider):
    event = '{"type": "transcript.text.%s", "%s": "%s"%s}'
    usage = ', "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 2, "total_tokens": 16}'
    provider.reply_with(
        Events((event % ("delta", "delta", "Good day.", ""), event % ("done", "text", "Good day.", usage)))
    )
    asked = {"model": "gpt-4o-mini-transcribe", "file": ("call.wav", b"RIFF" + bytes(2000)), "stream": True}

    async def awaited(sdk):
        return [event async for event in await sdk.audio.transcriptions.create(**asked)]

    events = use(awaited if way == "awaited" else lambda sdk: list(sdk.audio.transcriptions.create(**asked)))
    assert events[-1].text == "Good day."
    row = closed()
    assert (row.status, row.output, row.tokens_out) == ("succeeded", "Good day.", 2)


def test_awaited_streams_are_read_side_by_side(budget, provider):
    provider.when(lambda request: True, lambda request: Answer(text=f"To {request.text}", seconds_per_chunk=0.001))

    async def one(number):
        sdk = get_async_openai_client().sdk
        asked = {**CHAT, "messages": [{"role": "user", "content": f"question {number}"}]}
        return words([chunk async for chunk in await sdk.chat.completions.create(**asked, **USAGE)])

    async def all_of_them():
        return await asyncio.gather(*map(one, range(20)))

    assert async_to_sync(all_of_them)() == [f"To question {number}" for number in range(20)]
    rows = Call.objects.values_list("status", "error_text", "messages__0__content", "output")
    assert {tuple(row) for row in rows} == {
        ("succeeded", "", f"question {number}", f"To question {number}") for number in range(20)
    }
