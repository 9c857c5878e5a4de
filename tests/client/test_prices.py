"""What each method costs: by the price list to the nano-dollar, no more than was held, and unknown rather than zero."""

import json
from decimal import Decimal

import pytest
from django.utils import timezone
from genai_prices import Usage as Counted
from genai_prices import calc_price
from hypothesis import given
from hypothesis import strategies as st

from aiops import get_openai_client, get_structured_completion_sync, track_costs
from aiops.calls.models import Call
from aiops.gateway.connections import get_connection
from aiops.gateway.dialects import DecisionRequest, EmbeddingRequest, Request, SpeechRequest, TranscriptionRequest
from aiops.gateway.stand_in.waves import wav
from aiops.gateway.testing import Answer, Raw
from aiops.gateway.usage import Usage
from aiops.ledger.errors import UnpricedModel
from aiops.ledger.models import Budget, BudgetPeriod, Hold
from aiops.ledger.prices import price_of
from tests.client.test_structured import Page

pytestmark = pytest.mark.django_db

ASK = "What is a chargeback?"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)


def listed(model, **counted):
    """Nano-dollars by the price list's own arithmetic."""
    price = calc_price(Counted(**counted), model, provider_id="openai", genai_request_timestamp=timezone.now())
    return price.total_price * 10**9


def settled():
    """What the only call cost, by the log and by the ledger; it was no more than was held."""
    row, period, hold = Call.objects.get(), BudgetPeriod.objects.get(), Hold.objects.get()
    assert row.cost == period.settled == hold.settled
    assert period.held == 0
    assert row.cost <= hold.amount
    assert not period.frozen
    return row.cost


TOLD = {
    "input_tokens": 900,
    "input_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 100},
    "output_tokens": 70,
    "output_tokens_details": {"reasoning_tokens": 50},
    "total_tokens": 970,
}


@pytest.mark.parametrize("model", ["gpt-6-luna", "gpt-6.1-sol", "gpt-4o-mini"])
def test_an_answer_in_words(api, call, provider, model):
    provider.reply_with(Answer(text="A payment taken back.", usage=TOLD))
    call("chat_completion", ASK + " x" * 500, model=model, max_tokens=100)
    # Cached and reasoning tokens are parts of the totals.
    counted = {"input_tokens": 900, "cache_read_tokens": 300, "cache_write_tokens": 100, "output_tokens": 70}
    assert settled() == listed(model, **counted)


def test_an_answer_in_words_by_hand(api, call, provider):
    provider.reply_with(Answer(text="A payment taken back.", usage=TOLD))
    call("chat_completion", ASK + " x" * 500, max_tokens=100)
    dollars = (500 * Decimal("0.10") + 300 * Decimal("0.01") + 100 * Decimal("0.125") + 70 * Decimal("0.50")) / 10**6
    assert settled() == dollars * 10**9


def test_an_instance(api, provider):
    provider.reply_with(Answer(data={"number": 3}, usage={"input_tokens": 40, "output_tokens": 5}))
    get_structured_completion_sync("How many pages has it got?", "gpt-4o-mini", Page)
    assert settled() == listed("gpt-4o-mini", input_tokens=40, output_tokens=5)


def test_an_image(api, call, provider):
    usage = {"input_tokens": 9_000, "input_tokens_details": {"image_tokens": 8_500}, "output_tokens": 20}
    provider.reply_with(Answer(text="A receipt.", usage=usage))
    call("create_with_vision", "What is this?", PNG)
    assert settled() == listed("gpt-6-luna", input_tokens=9_000, output_tokens=20)


@pytest.mark.parametrize("model", ["text-embedding-3-small", "text-embedding-3-large"])
def test_vectors(call, provider, budget, model):
    provider.reply_with(Answer(data=[[1.0], [2.0]], usage={"prompt_tokens": 123, "total_tokens": 123}))
    call("embed", ["x" * 100, "y" * 100], model=model)
    assert settled() == listed(model, input_tokens=123)


@pytest.mark.parametrize(("model", "an_hour"), [("gpt-transcribe", "0.27"), ("whisper-1", "0.36")])
def test_a_recording_by_its_length(call, provider, budget, model, an_hour):
    provider.reply_with(Answer(text="Hello.", usage={"type": "duration", "seconds": 7.25}))
    call("transcribe", wav(8), model=model)
    assert settled() == round(Decimal("7.25") * Decimal(an_hour) / 3600 * 10**9)


@pytest.mark.parametrize("model", ["gpt-4o-transcribe", "gpt-4o-mini-transcribe"])
def test_a_recording_by_tokens(call, provider, budget, model):
    usage = {
        "type": "tokens",
        "input_tokens": 90,
        "input_token_details": {"audio_tokens": 80, "text_tokens": 10},
        "output_tokens": 12,
    }
    provider.reply_with(Answer(text="Hello.", usage=usage))
    call("transcribe", wav(8), model=model, prompt="Chargeback, Ada Lovelace")
    assert settled() == listed(model, input_tokens=90, input_audio_tokens=80, output_tokens=12)


def test_speech_by_tokens(call, provider, budget):
    provider.reply_with(Answer(usage={"input_tokens": 9, "output_tokens": 60, "total_tokens": 69}))
    call("speak", "Good morning, Ada.")
    assert settled() == listed("gpt-4o-mini-tts", input_tokens=9, output_tokens=60)


@pytest.mark.parametrize(("model", "a_million"), [("tts-1", 15), ("tts-1-hd", 30)])
def test_speech_by_characters(call, provider, budget, model, a_million):
    call("speak", "Grüezi, 東京.", model=model)
    assert settled() == Decimal(11 * a_million) / 10**6 * 10**9


def test_a_decision(connect, call, provider, budget):
    connect(SUPPORTS_DECISIONS=True)
    usage = {"input_tokens": 80, "input_tokens_details": {"cached_tokens": 30}, "output_tokens": 7}
    provider.reply_with(Answer(data=["card"], usage=usage))
    call("classify", "They charged me twice.", ["card", "refund"])
    assert settled() == listed("gpt-6-luna", input_tokens=80, cache_read_tokens=30)


def test_moderation_is_free(call, provider, budget):
    call("moderate", ["x", "y"])
    assert settled() == 0


def test_a_recording_with_a_long_prompt_costs_no_more_than_is_held(call, provider, budget):
    sound, prompt = wav(1), "Chargeback " * 5_000
    seconds = len(sound) // 500 + 1
    usage = {
        "type": "tokens",
        "input_tokens": 30 * seconds + len(prompt),
        "input_token_details": {"audio_tokens": 30 * seconds, "text_tokens": len(prompt)},
        "output_tokens": 30 * seconds,
    }
    provider.reply_with(Answer(text="Hello.", usage=usage))
    call("transcribe", sound, model="gpt-4o-transcribe", prompt=prompt)
    assert settled() > len(prompt) * 2_500


@pytest.mark.parametrize(("text", "speed"), [("9 9 9 9", 1.0), ("Grüezi", 0.25), ("東京", 1.0)])
def test_speech_takes_no_longer_than_is_held(call, provider, budget, text, speed):
    # Half a second a byte, of twenty tokens a second, as slow as it was asked for.
    tokens = int(10 * len(text.encode()) / speed)
    provider.reply_with(Answer(usage={"input_tokens": len(text), "output_tokens": tokens}))
    call("speak", text, speed=speed)
    assert settled() >= tokens * 12_000


def parts(total, count):
    """A number divided into so many parts, none below zero."""
    return st.lists(st.integers(0, total), min_size=count - 1, max_size=count - 1).map(
        lambda cuts: [b - a for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), total], strict=True)]
    )


REQUESTS = {
    "chat": Request(
        connection="default", model="", messages=[{"role": "user", "content": "x" * 300_000}], output_limit=8_192
    ),
    "short chat": Request(connection="default", model="", messages=[{"role": "user", "content": "x"}], output_limit=9),
    "embedding": EmbeddingRequest(connection="default", model="", texts=["x" * 1_000] * 10),
    "decision": DecisionRequest(connection="default", model="", text="x" * 500, questions=[{"type": "choice"}]),
    "transcription": TranscriptionRequest(
        connection="default", model="", sound=bytes(40_000), name="a.wav", parameters={"prompt": "x" * 50}
    ),
    "speech": SpeechRequest(connection="default", model="", text="Grüezi " * 50, voice="alloy"),
    "slow speech": SpeechRequest(connection="default", model="", text="x", voice="y", parameters={"speed": 0.25}),
}
MODELS = {
    "chat": ["gpt-6-luna", "gpt-6.1-sol", "gpt-4o-mini", "gpt-5.4", "gpt-5-mini", "gpt-4.1"],
    "short chat": ["gpt-6-luna", "gpt-4o-mini"],
    "embedding": ["text-embedding-3-small", "text-embedding-3-large"],
    "decision": ["gpt-6-luna"],
    "transcription": ["gpt-transcribe", "whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"],
    "speech": ["gpt-4o-mini-tts", "tts-1", "tts-1-hd"],
    "slow speech": ["gpt-4o-mini-tts", "tts-1"],
}


@pytest.mark.parametrize(("kind", "model"), [(kind, model) for kind, models in MODELS.items() for model in models])
@given(st.data())
def test_whatever_is_used_within_the_bounds_costs_no_more_than_is_held(kind, model, data):
    most = REQUESTS[kind].most()
    text_in = data.draw(st.integers(0, most.input_tokens))
    text_out = data.draw(st.integers(0, most.output_tokens))
    fresh, cached, written, images = data.draw(parts(text_in, 4))
    shown, thought = data.draw(parts(text_out, 2))
    by_length = any(unit in price_of(get_connection("default"), model, timezone.now()).rates for unit in BY_LENGTH)
    if by_length:
        usage = Usage(
            input_audio_ms=data.draw(st.integers(0, most.input_audio_ms)),
            input_characters=data.draw(st.integers(0, most.input_characters)),
        )
    else:
        sound_out = data.draw(st.integers(0, most.output_audio_tokens))
        usage = Usage(
            input_tokens=fresh,
            cached_tokens=cached,
            cache_write_tokens=written,
            input_image_tokens=images,
            input_audio_tokens=data.draw(st.integers(0, most.input_audio_tokens)),
            # Speech is told as output, whatever it is made of.
            output_tokens=shown + sound_out,
            reasoning_tokens=thought,
        )
    price = price_of(get_connection("default"), model, timezone.now())
    assert 0 <= price.cost(usage) <= price.ceiling_of(most)


BY_LENGTH = ("input_audio_ms", "input_characters")


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("chat_completion", (ASK,)),
        ("chat_completion_json", (ASK,)),
        ("create_with_vision", (ASK, PNG)),
        ("embed", (ASK,)),
        ("transcribe", (wav(1),)),
        ("speak", (ASK,)),
        ("classify", (ASK, ["card", "refund"])),
    ],
)
def test_a_price_that_nobody_knows_is_refused_under_a_budget_and_unknown_without(
    call, provider, budget, method, arguments
):
    with pytest.raises(UnpricedModel):
        call(method, *arguments, model="nobodys-model")
    assert provider.requests == []
    assert not Call.objects.exists()
    Budget.objects.update(active=False)
    provider.reply_with(lambda request: Answer(data={"choice": "A"}) if request.operation == "chat" else Answer())
    with track_costs() as costs:
        call(method, *arguments, model="nobodys-model")
    assert (costs.unknown, costs.nano_dollars) == (1, 0)
    assert Call.objects.get().cost is None


def test_a_free_connection_costs_nothing_whatever_the_model(connect, call, provider, budget):
    connect(FREE=True)
    provider.reply_with(Raw(json.dumps({"data": [{"index": 0, "embedding": [1.0]}]}).encode()))
    call("embed", ASK, model="nobodys-model")
    assert settled() == 0


@pytest.mark.parametrize(("tier", "rate"), [("default", 1), ("flex", 0.5), ("priority", 2), ("scale", None)])
def test_an_answer_costs_what_its_service_tier_costs(provider, budget, tier, rate):
    choice = {"index": 0, "message": {"role": "assistant", "content": "Money back."}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
    body = {"model": "gpt-6-luna", "choices": [choice], "usage": usage, "service_tier": tier}
    provider.reply_with(Raw(json.dumps(body).encode()))
    get_openai_client().chat_completion(ASK, max_tokens=50)
    call, hold = Call.objects.get(), Hold.objects.get()
    assert call.cost == (None if rate is None else (10 * 100 + 4 * 500) * rate)
    assert hold.settled == (hold.amount if rate is None else call.cost)


def test_what_another_provider_calls_its_tier_is_its_own_business(provider, budget, settings):
    default = settings.AIOPS["CONNECTIONS"]["default"] | {"PROVIDER": "groq", "MODEL": "llama-3.1-8b-instant"}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}
    choice = {"index": 0, "message": {"role": "assistant", "content": "Money back."}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
    body = {"model": "llama-3.1-8b-instant", "choices": [choice], "usage": usage, "service_tier": "on_demand"}
    provider.reply_with(Raw(json.dumps(body).encode()))
    get_openai_client().chat_completion(ASK, max_tokens=50)
    assert Call.objects.get().cost > 0
