"""What providers say they counted, and what it costs: each worked out by hand from the rates written above it.

Rates are nano-dollars a token, which is dollars a million tokens times a thousand.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from aiops.gateway.connections import connection_from
from aiops.gateway.dialects import Facts, SpeechRequest, chat, embeddings, responses, speech, transcriptions
from aiops.gateway.usage import Usage
from aiops.ledger.own_prices import OwnPrice
from aiops.ledger.prices import BATCH, price_of

pytestmark = pytest.mark.django_db

NOV = datetime(2026, 11, 20, tzinfo=UTC)
OPENAI = connection_from("openai", {"API_KEY": "x"})
AZURE = connection_from("azure", {"BASE_URL": "https://shop.openai.azure.com", "API_KEY": "x", "PROVIDER": "azure"})


def of_chat(usage, tier=None):
    message = {"role": "assistant", "content": "Yes."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"object": "chat.completion", "model": "m", "choices": [choice], "usage": usage, "service_tier": tier}
    return chat.completion_of(json.dumps(body).encode(), Facts())


def of_responses(usage, tier=None):
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]}
    body = {"object": "response", "status": "completed", "model": "m", "output": [said], "usage": usage}
    return responses.completion_of(json.dumps({**body, "service_tier": tier}).encode(), Facts())


def of_embedding(usage, tier=None):
    body = {"model": "m", "data": [{"index": 0, "embedding": [0.5]}], "usage": usage}
    return embeddings.completion_of(json.dumps(body).encode(), Facts())


def of_transcription(usage, tier=None):
    return transcriptions.completion_of(json.dumps({"text": "Yes.", "usage": usage}).encode(), Facts())


def of_speech(usage, tier=None):
    events = [
        {"type": "speech.audio.delta", "audio": "AAAA"},
        {"type": "speech.audio.done", "usage": usage},
    ]
    content = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()
    return speech.completion_of(content, Facts(content_type="text/event-stream"))


def c(given, answered, *, cached=None, written=None, audio=None, image=None, reasoning=None, audio_out=None, **more):
    """A chat's usage, as it is told."""
    inside = {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": audio, "image_tokens": image}
    outside = {"reasoning_tokens": reasoning, "audio_tokens": audio_out, **more}
    return {
        "prompt_tokens": given,
        "completion_tokens": answered,
        "total_tokens": given + answered,
        "prompt_tokens_details": {name: value for name, value in inside.items() if value is not None},
        "completion_tokens_details": {name: value for name, value in outside.items() if value is not None},
    }


def r(given, answered, *, cached=None, written=None, reasoning=None, **inside):
    """A response's usage."""
    details = {"cached_tokens": cached, "cache_write_tokens": written, **inside}
    return {
        "input_tokens": given,
        "output_tokens": answered,
        "total_tokens": given + answered,
        "input_tokens_details": {name: value for name, value in details.items() if value is not None},
        "output_tokens_details": {} if reasoning is None else {"reasoning_tokens": reasoning},
    }


TABLE = [
    # gpt-6-luna: input 100, cached 10, cache write 125, output 500.
    (of_chat, "gpt-6-luna", c(1000, 100), None, 1000 * 100 + 100 * 500),
    (of_chat, "gpt-6-luna", c(0, 0), None, 0),
    (of_chat, "gpt-6-luna", c(1, 1), None, 600),
    (of_chat, "gpt-6-luna", c(1000, 100, cached=0), None, 1000 * 100 + 100 * 500),
    # Cached tokens are among the thousand: 600 of them, and 400 that are fresh.
    (of_chat, "gpt-6-luna", c(1000, 100, cached=600), None, 400 * 100 + 600 * 10 + 100 * 500),
    (of_chat, "gpt-6-luna", c(1000, 100, cached=1000), None, 1000 * 10 + 100 * 500),
    (of_chat, "gpt-6-luna", c(1000, 0, written=300), None, 700 * 100 + 300 * 125),
    (of_chat, "gpt-6-luna", c(1000, 0, cached=200, written=300), None, 500 * 100 + 200 * 10 + 300 * 125),
    # Reasoning is among what was answered, and costs the same.
    (of_chat, "gpt-6-luna", c(10, 100, reasoning=90), None, 10 * 100 + 100 * 500),
    (of_chat, "gpt-6-luna", c(10, 100, reasoning=100), None, 10 * 100 + 100 * 500),
    # Predictions, taken or not, are among it too.
    (of_chat, "gpt-6-luna", c(10, 100, accepted_prediction_tokens=40, rejected_prediction_tokens=30), None, 51_000),
    # Images cost as text where they have no rate of their own.
    (of_chat, "gpt-6-luna", c(1000, 0, image=800), None, 1000 * 100),
    (of_chat, "gpt-6-luna", {"prompt_tokens": 7, "completion_tokens": 3}, None, 7 * 100 + 3 * 500),
    (of_chat, "gpt-6-luna", c(272_000, 100), None, 272_000 * 100 + 100 * 500),
    # Beyond 272,000 tokens of input all of it is dearer: 200, cached 20, written 250, output 750.
    (of_chat, "gpt-6-luna", c(272_001, 100), None, 272_001 * 200 + 100 * 750),
    (of_chat, "gpt-6-luna", c(300_000, 100, cached=299_000), None, 1000 * 200 + 299_000 * 20 + 100 * 750),
    (of_chat, "gpt-6-luna", c(300_000, 0, written=300_000), None, 300_000 * 250),
    # Flex: 50, cached 5, written 62.5, output 250. Priority and fast: 200, 20, 250, 1000.
    (of_chat, "gpt-6-luna", c(1000, 100), "default", 1000 * 100 + 100 * 500),
    (of_chat, "gpt-6-luna", c(1000, 100), "flex", 1000 * 50 + 100 * 250),
    (of_chat, "gpt-6-luna", c(1000, 100, cached=600), "flex", 400 * 50 + 600 * 5 + 100 * 250),
    (of_chat, "gpt-6-luna", c(1000, 100, written=10), "flex", 990 * 50 + 625 + 100 * 250),
    (of_chat, "gpt-6-luna", c(1000, 100), "priority", 1000 * 200 + 100 * 1000),
    (of_chat, "gpt-6-luna", c(1000, 100, cached=600), "priority", 400 * 200 + 600 * 20 + 100 * 1000),
    (of_chat, "gpt-6-luna", c(1000, 100), "fast", 1000 * 200 + 100 * 1000),
    (of_chat, "gpt-6-luna", c(300_000, 100), "priority", 300_000 * 400 + 100 * 1500),
    # Half price as a batch.
    (of_chat, "gpt-6-luna", c(1000, 100), BATCH, 1000 * 50 + 100 * 250),
    (of_chat, "gpt-6-luna", c(1000, 100, cached=500, reasoning=50), BATCH, 500 * 50 + 500 * 5 + 100 * 250),
    # A tier whose price nobody knows, or that is known to be wrong: unknown, not the usual price.
    (of_chat, "gpt-6-luna", c(1000, 100), "scale", None),
    (of_chat, "gpt-6-luna", c(1000, 100), "ultrafast", None),
    (of_chat, "gpt-4o", c(1000, 100), "flex", None),
    # No rate for sound.
    (of_chat, "gpt-6-luna", c(1000, 100, audio=10), None, None),
    (of_chat, "gpt-6-luna", c(1000, 100, audio_out=10), None, None),
    # What cannot be: parts that are more than the whole, less than nothing, no numbers; and nothing at all.
    (of_chat, "gpt-6-luna", c(100, 10, cached=101), None, None),
    (of_chat, "gpt-6-luna", c(100, 10, reasoning=11), None, None),
    (of_chat, "gpt-6-luna", c(100, -10), None, None),
    (of_chat, "gpt-6-luna", {"prompt_tokens": "7", "completion_tokens": 3}, None, None),
    (of_chat, "gpt-6-luna", {"total_tokens": 10}, None, None),
    (of_chat, "gpt-6-luna", {}, None, None),
    (of_responses, "gpt-6-luna", r(1000, 100), None, 1000 * 100 + 100 * 500),
    (of_responses, "gpt-6-luna", r(1000, 100, cached=900), None, 100 * 100 + 900 * 10 + 100 * 500),
    (of_responses, "gpt-6-luna", r(1000, 100, cached=400, written=100), None, 500 * 100 + 4000 + 12_500 + 50_000),
    (of_responses, "gpt-6-luna", r(1000, 100, reasoning=64), None, 1000 * 100 + 100 * 500),
    (of_responses, "gpt-6-luna", r(1000, 100), "flex", 1000 * 50 + 100 * 250),
    (of_responses, "gpt-6-luna", r(1000, 100), BATCH, 1000 * 50 + 100 * 250),
    (of_responses, "gpt-6-luna", {"input_tokens": 5, "output_tokens": 2}, None, 5 * 100 + 2 * 500),
    (of_responses, "gpt-6-luna", {"prompt_tokens": 5, "completion_tokens": 2}, None, None),
    # gpt-6.1-sol: input 2000, cached 100, cache write 2500, output 10000; beyond 272,000: 4000 and 15000.
    (of_responses, "gpt-6.1-sol", r(1000, 100, cached=500), None, 500 * 2000 + 500 * 100 + 100 * 10_000),
    (of_responses, "gpt-6.1-sol", r(272_001, 1), None, 272_001 * 4000 + 15_000),
    # gpt-6-astra: input 10000, cached 1000, written 12500, output 50000.
    (of_responses, "gpt-6-astra", r(10, 10, cached=1, written=1), None, 8 * 10_000 + 1000 + 12_500 + 10 * 50_000),
    # gpt-4o: input 2500, cached 1250, output 10000; nothing is said of writing to the cache.
    (of_chat, "gpt-4o", c(1000, 100, cached=400), None, 600 * 2500 + 400 * 1250 + 100 * 10_000),
    (of_chat, "gpt-4o", c(1000, 0, written=10), None, 1000 * 2500),
    # gpt-5-mini: input 250, cached 25, output 2000. o3: 2000, 500, 8000.
    (of_chat, "gpt-5-mini", c(1000, 100, cached=1000, reasoning=100), None, 1000 * 25 + 100 * 2000),
    (of_chat, "o3", c(100, 100, cached=50, reasoning=80), None, 50 * 2000 + 50 * 500 + 100 * 8000),
    # gpt-audio: text 2500 and 10000, sound 32000 and 64000.
    (of_chat, "gpt-audio", c(100, 0, audio=80), None, 20 * 2500 + 80 * 32_000),
    (of_chat, "gpt-audio", c(10, 50, audio_out=40), None, 10 * 2500 + 10 * 10_000 + 40 * 64_000),
    # text-embedding-3-small: 20.
    (of_embedding, "text-embedding-3-small", {"prompt_tokens": 800, "total_tokens": 800}, None, 800 * 20),
    (of_embedding, "text-embedding-3-small", {"total_tokens": 800}, None, 800 * 20),
    (of_embedding, "text-embedding-3-small", {}, None, None),
    # gpt-4o-mini-transcribe: text 1250, sound 3000, output 5000.
    (
        of_transcription,
        "gpt-4o-mini-transcribe",
        {"type": "tokens", "input_tokens": 114, "output_tokens": 45, "total_tokens": 159,
         "input_token_details": {"text_tokens": 14, "audio_tokens": 100}},
        None,
        14 * 1250 + 100 * 3000 + 45 * 5000,
    ),
    # whisper-1: $0.36 an hour, which is 100,000 nano-dollars a second; gpt-transcribe: $0.27.
    (of_transcription, "whisper-1", {"type": "duration", "seconds": 9}, None, 900_000),
    (of_transcription, "whisper-1", {"type": "duration", "seconds": 0.5}, None, 50_000),
    (of_transcription, "gpt-transcribe", {"type": "duration", "seconds": 3600}, None, 270_000_000),
    (of_transcription, "gpt-6-luna", {"type": "duration", "seconds": 9}, None, None),
    # gpt-4o-mini-tts: 600 for text, 12000 for sound, which is the only output that it has a rate for.
    (of_speech, "gpt-4o-mini-tts", {"input_tokens": 14, "output_tokens": 101}, None, 14 * 600 + 101 * 12_000),
]  # fmt: skip


@pytest.mark.parametrize(("read", "model", "usage", "tier", "nanos"), TABLE)
def test_a_usage_costs_what_is_worked_out_by_hand(read, model, usage, tier, nanos):
    # A batch says of itself what it is: its answers do not.
    completion = read(usage, None if tier == BATCH else tier)
    price = price_of(OPENAI, model, NOV, tier=tier if tier == BATCH else completion.tier)
    cost = None if price is None or completion.usage is None else price.cost(completion.usage)
    assert cost == nanos


def test_the_table_is_long_enough():
    assert len(TABLE) >= 60


def test_speech_that_is_billed_by_characters_is_counted_here():
    # tts-1: $15 a million characters.
    request = SpeechRequest(connection="openai", model="tts-1", text="Grüezi mitenand", voice="alloy")
    assert price_of(OPENAI, "tts-1", NOV).cost(request.counted()) == 15 * 15_000


@pytest.mark.parametrize(
    ("connection", "model", "tier", "rates", "usage", "listed", "meant"),
    [
        # The price data gives no discount for embeddings in a batch: nobody knows. OpenAI's own list says half.
        (OPENAI, "text-embedding-3-small", BATCH, {"input_tokens": "0.01"}, Usage(input_tokens=1000), None, 10_000),
        # It knows no sound of this model.
        (
            OPENAI, "gpt-4o-audio-preview", "", {"input_tokens": "2.5", "output_tokens": 10, "input_audio_tokens": 40},
            Usage(input_tokens=10, input_audio_tokens=100), None, 10 * 2500 + 100 * 40_000,
        ),
        # It has priced this tier too low, and so is not asked for it.
        (
            OPENAI, "gpt-6-luna", "ultrafast", {"input_tokens": "0.6", "output_tokens": 3},
            Usage(input_tokens=10, output_tokens=1), None, 10 * 600 + 3000,
        ),
        # A contract says otherwise.
        (AZURE, "gpt-4o", "", {"input_tokens": 2, "output_tokens": 8}, Usage(input_tokens=10), 25_000, 20_000),
    ],
)  # fmt: skip
def test_what_the_price_data_does_not_know_or_knows_wrongly_an_own_price_puts_right(
    connection, model, tier, rates, usage, listed, meant
):
    def cost():
        price = price_of(connection, model, NOV, tier=tier)
        return price and price.cost(usage)

    assert cost() == listed
    given = {name: Decimal(str(rate)) for name, rate in rates.items()}
    OwnPrice.objects.create(model=model, tier=tier, starts_at=NOV - timedelta(days=1), **given)
    assert cost() == meant
    if tier:
        assert price_of(connection, model, NOV) != price_of(connection, model, NOV, tier=tier)
