"""The stand-in provider listens and reads aloud."""

from __future__ import annotations

import asyncio
import io
import wave

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from aiops.gateway.testing import Answer, CutStream, Failed, Refusal, StandIn, Status


@pytest.fixture
def stand_in():
    with StandIn(seed=7) as provider:
        yield provider


@pytest.fixture
def client(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="any", max_retries=0, timeout=10) as client:
        yield client


def recording(seconds=2.0, rate=8000):
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(int(2 * rate * seconds)))
    return "call.wav", target.getvalue(), "audio/wav"


def listen(client, file=None, model="gpt-transcribe", **more):
    return client.audio.transcriptions.create(file=file or recording(), model=model, **more)


def test_a_recording_becomes_words_and_is_paid_by_tokens(stand_in, client):
    heard = listen(client, prompt="About a card.")
    usage = heard.usage
    assert heard.text.endswith(".")
    assert (usage.type, usage.input_token_details.audio_tokens) == ("tokens", 21)
    assert usage.input_tokens == 21 + usage.input_token_details.text_tokens
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    totals = stand_in.totals
    assert (totals.prompt_tokens, totals.completion_tokens) == (usage.input_tokens, usage.output_tokens)
    assert listen(client, prompt="About a card.").text == heard.text


def test_the_oldest_model_is_paid_by_the_second(stand_in, client):
    assert listen(client, model="whisper-1").usage.model_dump() == {"type": "duration", "seconds": 2.0}
    listen(client, model="whisper-1", file=recording(0.5, rate=44_100))
    assert stand_in.totals.audio_seconds == 2.5
    assert stand_in.totals.prompt_tokens == 0


def test_the_request_keeps_the_size_of_a_file_and_not_the_file(stand_in, client):
    name, content, kind = recording(60)
    listen(client, file=(name, content, kind), prompt="Ticket 7", language="en", timestamp_granularities=["word"])
    [request] = stand_in.requests
    [file] = request.files
    assert (file.name, file.filename, file.content_type, file.size) == ("file", name, kind, len(content))
    assert (file.start, file.content) == (content[:256], b"")
    assert (request.operation, request.path, request.model) == (
        "transcriptions",
        "/v1/audio/transcriptions",
        "gpt-transcribe",
    )
    assert request.text == "Ticket 7"
    assert (request.body["language"], request.body["timestamp_granularities"]) == ("en", ["word"])


def test_words_can_be_scripted_and_come_in_every_format(stand_in, client):
    stand_in.when(lambda request: True, "My card never came.")
    assert listen(client).text == "My card never came."
    assert listen(client, response_format="text") == "My card never came.\n"
    assert listen(client, response_format="srt") == "1\n00:00:00,000 --> 00:00:02,000\nMy card never came.\n"
    assert listen(client, response_format="vtt").startswith("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n")
    verbose = listen(client, response_format="verbose_json", model="whisper-1", timestamp_granularities=["word"])
    assert (verbose.duration, verbose.language, verbose.segments[0].text) == (2.0, "english", "My card never came.")
    assert [word.word for word in verbose.words] == ["My", "card", "never", "came."]
    assert verbose.words[-1].end == 2.0
    diarized = listen(client, response_format="diarized_json", model="gpt-4o-transcribe-diarize")
    assert (diarized.segments[0].speaker, diarized.segments[0].end) == ("A", 2.0)


def test_words_come_in_a_stream(stand_in, client):
    stand_in.reply_with("one two three", Answer("x", usage=None))
    events = list(listen(client, stream=True))
    assert [event.type for event in events] == ["transcript.text.delta"] * 3 + ["transcript.text.done"]
    assert "".join(event.delta for event in events[:3]) == events[3].text == "one two three"
    assert events[3].usage.input_tokens == stand_in.totals.prompt_tokens
    assert list(listen(client, stream=True))[-1].usage is None


def test_what_goes_wrong_elsewhere_goes_wrong_here(stand_in, client):
    stand_in.reply_with(Status(503), Refusal(), Failed(), CutStream(after_chunks=1, politely=True))
    with pytest.raises(openai.InternalServerError):
        listen(client)
    with pytest.raises(openai.BadRequestError):
        listen(client)
    with pytest.raises(openai.InternalServerError):
        listen(client, stream=True)
    assert [event.type for event in listen(client, stream=True)] == ["transcript.text.delta"]
    assert (stand_in.totals.answers, stand_in.totals.lost_answers) == (0, 1)


def test_a_large_recording_is_refused_and_an_empty_one_too(stand_in, client):
    with pytest.raises(openai.APIStatusError, match="26214400") as caught:
        listen(client, file=("big.mp3", bytes(25 * 1024 * 1024 + 1), "audio/mpeg"))
    assert caught.value.status_code == 413
    with pytest.raises(openai.BadRequestError, match="too short"):
        listen(client, file=("empty.mp3", b"", "audio/mpeg"))
    with pytest.raises(openai.BadRequestError, match="response_format"):
        listen(client, response_format="xml")
    with pytest.raises(openai.BadRequestError, match="'file'"):
        client.post("/audio/transcriptions", body={"model": "m"}, cast_to=object)
    assert stand_in.totals.requests == 4


def test_a_form_that_is_none_is_refused(stand_in):
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        answer = httpx2.post(f"{stand_in.base_url}/audio/transcriptions", content=b"xx", headers={"Content-Type": kind})
        assert answer.status_code == 400


def speak(client, text="Hello", **more):
    return client.audio.speech.create(model="tts-1", voice="alloy", input=text, **more)


def test_speech_is_a_real_recording_and_is_paid_by_the_character(stand_in, client):
    spoken = speak(client, "Grüezi")
    with wave.open(io.BytesIO(spoken.content)) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 800)
    assert spoken.response.headers["content-type"] == "audio/wav"
    assert stand_in.totals.speech_characters == 6
    assert speak(client, response_format="pcm").content == bytes(1600)
    assert (stand_in.requests[0].operation, stand_in.requests[0].text) == ("speech", "Grüezi")


def test_what_was_spoken_can_be_listened_to(client):
    assert listen(client, file=("a.wav", speak(client).content, "audio/wav"), model="whisper-1").usage.seconds == 0.1


def test_speech_comes_in_a_stream(client):
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input="Hello", stream_format="sse"
    ) as response:
        text = response.read().decode()
    assert text.count("event: speech.audio.delta") == 2
    assert "speech.audio.done" in text


@pytest.mark.parametrize(
    ("text", "more", "sentence"),
    [
        ("", {}, "'input'"),
        ("x" * 4097, {}, "at most 4096"),
        ("x", {"response_format": "midi"}, "response_format"),
        ("x", {"voice": ""}, "'voice'"),
    ],
)
def test_a_bad_request_to_speak_is_refused_in_words(client, text, more, sentence):
    with pytest.raises(openai.BadRequestError, match=sentence):
        client.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": text, **more})


def test_async_clients_get_the_same(stand_in, client):
    async def both():
        async with AsyncOpenAI(base_url=stand_in.base_url, api_key="k", max_retries=0) as asking:
            stream = await listen(asking, stream=True)
            return [event async for event in stream][-1].text, (await speak(asking)).content

    heard, spoken = asyncio.run(both())
    assert (heard, spoken) == (listen(client).text, speak(client).content)
