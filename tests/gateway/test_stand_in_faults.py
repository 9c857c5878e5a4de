"""Whatever can go wrong goes wrong by every API, whole and in a stream, and can be told from a good answer."""

from __future__ import annotations

import gzip
import io
import json
import socket
import wave
from contextlib import closing
from urllib.parse import urlsplit

import httpx2
import openai
import pytest
from openai import OpenAI

from aiops.gateway.testing import (
    FAULTS,
    Answer,
    CutBody,
    CutJson,
    CutStream,
    Deep,
    Disconnect,
    Ending,
    Failed,
    Flood,
    HalfClosed,
    Redirect,
    StandIn,
    Status,
    WrongContentType,
)

MESSAGES = [{"role": "user", "content": "My card never came."}]
CHAT: tuple[str, dict[str, object]] = ("/chat/completions", {"model": "m", "messages": MESSAGES})
RESPONSES: tuple[str, dict[str, object]] = ("/responses", {"model": "m", "input": "My card never came."})
BOTH: list[tuple[str, dict[str, object]]] = [CHAT, RESPONSES]
CHOICE = {"type": "choice", "name": "a", "instructions": "x", "choices": [{"value": "a"}, {"value": "b"}]}
OTHERS = [
    ("/embeddings", {"model": "m", "input": ["x"], "dimensions": 4}),
    ("/moderations", {"input": "x"}),
    ("/audio/speech", {"model": "m", "input": "x", "voice": "v"}),
    ("/decisions", {"model": "m", "input": "x", "questions": [CHOICE]}),
]
STREAMS = [(path, body | {"stream": True}) for path, body in BOTH]


@pytest.fixture
def stand_in():
    with StandIn() as provider:
        yield provider


@pytest.fixture
def client(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="secret", max_retries=0, timeout=5) as client:
        yield client


def post(provider, asked, **more):
    path, body = asked
    return httpx2.post(f"{provider.base_url}{path}", json=body, timeout=10, **more)


def bytes_of(provider, asked):
    """All that comes back until the server says that nothing more will come."""
    path, body = asked
    address, content = urlsplit(provider.base_url), json.dumps(body).encode()
    with closing(socket.create_connection((address.hostname, address.port), timeout=10)) as connection:
        head = f"POST /v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(content)}\r\n\r\n"
        connection.sendall(head.encode() + content)
        received = b""
        while data := connection.recv(65536):
            received += data
    return received


@pytest.mark.parametrize("asked", [*BOTH, *STREAMS, *OTHERS], ids=lambda asked: asked[0] + str("stream" in asked[1]))
def test_every_fault_can_be_said_by_every_api(asked):
    # A reply that cannot be said raises when the stand-in stops.
    with StandIn() as provider:
        for fault in FAULTS:
            provider.reply_with(fault)
            bytes_of(provider, asked)
        assert provider.replies_left == 0
        assert provider.totals.requests == len(FAULTS)


def test_every_fault_can_be_said_of_a_recording():
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(1600))
    with StandIn() as provider:
        for fault in FAULTS:
            for stream in ("true", "false"):
                provider.reply_with(fault)
                try:
                    httpx2.post(
                        f"{provider.base_url}/audio/transcriptions",
                        files={"file": ("a.wav", sound.getvalue())},
                        data={"model": "gpt-transcribe", "stream": stream},
                        timeout=10,
                    )
                except httpx2.HTTPError:
                    continue
        assert provider.totals.requests == 2 * len(FAULTS)


@pytest.mark.parametrize("asked", [*BOTH, *STREAMS])
@pytest.mark.parametrize("reply", [CutJson(of=Answer("one two")), Ending(times=0, of=Answer("one two"))])
def test_what_is_cut_is_a_whole_http_answer_that_cannot_be_read(stand_in, asked, reply):
    stand_in.reply_with(reply)
    answer = post(stand_in, asked)
    assert answer.status_code == 200
    if "stream" in asked[1]:
        assert "[DONE]" not in answer.text and "response.completed" not in answer.text
    else:
        with pytest.raises(json.JSONDecodeError):
            answer.json()
    assert (stand_in.totals.answers, stand_in.totals.lost_answers) == (0, 1)


def test_an_end_can_come_twice(stand_in, client):
    stand_in.reply_with(*[Ending(times=2, of=Answer("one"))] * 4)
    assert post(stand_in, STREAMS[0]).text.count("[DONE]") == 2
    assert post(stand_in, STREAMS[1]).text.count('"type": "response.completed"') == 2
    assert post(stand_in, RESPONSES).text.endswith("}}")
    chunks = list(client.chat.completions.create(model="m", messages=MESSAGES, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "one"
    assert (stand_in.totals.answers, stand_in.totals.lost_answers) == (3, 1)


@pytest.mark.parametrize("asked", [*BOTH, *STREAMS])
def test_half_a_connection_ends_in_the_middle(stand_in, asked):
    stand_in.reply_with(Answer("one two three"), HalfClosed(of=Answer("one two three")))
    whole = bytes_of(stand_in, asked)
    half = bytes_of(stand_in, asked)
    assert half.startswith(b"HTTP/1.1 200 OK")
    assert len(whole) * 0.3 < len(half) < len(whole) * 0.9
    stand_in.reply_with(HalfClosed())
    with pytest.raises(httpx2.RemoteProtocolError):
        post(stand_in, asked)
    assert (stand_in.totals.answers, stand_in.totals.lost_answers) == (1, 2)


@pytest.mark.parametrize("asked", [*BOTH, *STREAMS])
def test_json_can_be_deep_within_and_around(stand_in, asked):
    stand_in.reply_with(Deep(1000), Deep(outside=True))
    within, around = post(stand_in, asked), post(stand_in, asked)
    assert "[" * 1000 + "]" * 1000 in within.text
    assert "[" * 100_000 + "]" * 100_000 in around.text
    assert around.headers["content-type"].startswith(
        "text/event-stream" if "stream" in asked[1] else "application/json"
    )
    assert stand_in.totals.answers == 1


@pytest.mark.parametrize("asked", [*BOTH, *STREAMS])
@pytest.mark.parametrize("size", [1, 3_000_001])
def test_a_bomb_is_a_gzip_of_exactly_its_size(stand_in, asked, size):
    stand_in.reply_with(Flood(size, compressed=True))
    raw = bytes_of(stand_in, asked)
    assert len(raw) < 30_000
    packed, body = b"", raw.partition(b"\r\n\r\n")[2]
    while body:
        length, _, body = body.partition(b"\r\n")
        packed += body[: int(length, 16)]
        body = body[int(length, 16) + 2 :]
    opened = gzip.decompress(packed)
    assert len(opened) == size
    assert opened.strip() == (b"data:"[:size] if "stream" in asked[1] else b"")


@pytest.mark.parametrize("asked", [*BOTH, *STREAMS])
def test_the_miscounted_and_the_unstorable_are_told_as_they_are(stand_in, asked):
    stand_in.reply_with(Answer("a\x00b \ud800", usage={"prompt_tokens": -5, "completion_tokens": 10**15}))
    asked = (asked[0], {**asked[1], "stream_options": {"include_usage": True}})
    text = post(stand_in, asked).text
    assert "a\\u0000b" in text and "\\ud800" in text
    assert '_tokens": -5' in text and '_tokens": 1000000000000000' in text
    assert stand_in.totals.prompt_tokens == 12


def test_retry_after_can_be_said_in_milliseconds_too(stand_in, client):
    stand_in.reply_with(Status(429, retry_after_ms=50), Status(429, retry_after_ms="soon", retry_after="-1"))
    for wanted in (("50", None), ("soon", "-1")):
        with pytest.raises(openai.RateLimitError) as caught:
            client.responses.create(model="m", input="x")
        headers = caught.value.response.headers
        assert (headers["retry-after-ms"], headers.get("retry-after")) == wanted


@pytest.mark.parametrize(("status", "method"), [(301, "GET"), (307, "POST"), (308, "POST")])
def test_a_canary_sees_who_follows_a_redirect_and_with_what(stand_in, status, method):
    with StandIn() as canary:
        stand_in.reply_with(*[Redirect(f"{canary.base_url}/chat/completions", status=status)] * 2)
        headers = {"Authorization": "Bearer secret", "api-key": "secret"}
        stayed = post(stand_in, CHAT, headers=headers)
        assert (stayed.status_code, stayed.headers["location"]) == (status, f"{canary.base_url}/chat/completions")
        assert canary.requests == []
        post(stand_in, CHAT, headers=headers, follow_redirects=True)
        [followed] = canary.requests
        assert followed.method == method
        assert "authorization" not in followed.headers
        assert followed.headers["api-key"] == "secret"
        assert stand_in.totals.answers == 0


@pytest.mark.parametrize("asked", [*BOTH, *STREAMS])
def test_a_failed_answer_can_be_cut_as_any_other(stand_in, asked):
    stand_in.reply_with(CutBody(of=Failed("half")), WrongContentType(of=Failed("half")))
    with pytest.raises(httpx2.RemoteProtocolError):
        post(stand_in, asked)
    assert post(stand_in, asked).headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("asked", [*BOTH, *STREAMS])
@pytest.mark.parametrize("reply", [Disconnect(), CutBody(share=0.0), CutStream(after_chunks=0)])
def test_a_connection_that_breaks_leaves_the_next_one_whole(stand_in, asked, reply):
    stand_in.reply_with(reply, "after")
    with pytest.raises(httpx2.TransportError):
        post(stand_in, asked)
    assert "after" in post(stand_in, asked).text
