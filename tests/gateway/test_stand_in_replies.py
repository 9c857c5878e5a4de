"""Every reply of the stand-in does what its name says, seen by the openai SDK and by a bare socket."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import socket
import time
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
import httpx2
import openai
import pytest
from openai import OpenAI

from aiops.gateway.stand_in.said import UNSET
from aiops.gateway.testing import (
    FAULTS,
    SLOW_FAULTS,
    Answer,
    CutBody,
    CutJson,
    CutStream,
    Disconnect,
    Drip,
    EmptyChoices,
    Events,
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

MESSAGES = [{"role": "user", "content": "My card never came."}]
BODY = json.dumps({"model": "m", "messages": MESSAGES}).encode()
STREAM_BODY = json.dumps({"model": "m", "messages": MESSAGES, "stream": True}).encode()


@pytest.fixture
def stand_in():
    with StandIn() as provider:
        yield provider


@pytest.fixture
def client(stand_in):
    with OpenAI(base_url=stand_in.base_url, api_key="any", max_retries=0, timeout=5) as client:
        yield client


def ask(client, text="My card never came.", **more):
    return client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], **more)


def raw_answer(stand_in, body=BODY) -> bytes:
    """All bytes that come back until the server closes."""
    address = urlsplit(stand_in.base_url)
    with closing(socket.create_connection((address.hostname, address.port), timeout=5)) as connection:
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        received = b""
        while data := connection.recv(65536):
            received += data
    return received


def test_answers_are_text_or_data_in_the_order_of_the_script(stand_in, client):
    stand_in.reply_with("plain", {"category": "card"}, Answer("Schön"), Answer(data=[1, None]))
    assert stand_in.replies_left == 4
    texts = [ask(client).choices[0].message.content for _ in range(4)]
    assert texts == ["plain", '{"category": "card"}', "Schön", "[1, null]"]
    assert stand_in.replies_left == 0
    assert ask(client).choices[0].message.content not in texts


def test_a_function_makes_the_reply_from_the_request(stand_in, client):
    stand_in.reply_with(lambda request: request.text.upper())
    assert ask(client, "obey me").choices[0].message.content == "OBEY ME"


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}, (9, 4)),
        ({"prompt_tokens": -5, "completion_tokens": 4, "total_tokens": -1}, (12, 1)),
        (None, (12, 1)),
    ],
)
def test_usage_can_be_anything_and_the_count_stays_sane(stand_in, client, usage, counted):
    stand_in.reply_with(Answer("ok", usage=usage))
    told = ask(client).usage
    assert (told.model_dump(exclude_none=True) if told else None) == usage
    assert (stand_in.totals.prompt_tokens, stand_in.totals.completion_tokens) == counted


def test_finish_reason_model_and_headers_of_an_answer_are_told(stand_in, client):
    stand_in.reply_with(Answer("x", finish_reason="tool_calls", model="gpt-x", headers={"x-request-id": "req_mine"}))
    answer = ask(client)
    assert (answer.choices[0].finish_reason, answer.model, answer._request_id) == ("tool_calls", "gpt-x", "req_mine")


@pytest.mark.parametrize(
    ("reply", "finish_reason", "content", "refusal"),
    [
        (Refusal("No."), "stop", None, "No."),
        (Length('{"category": "ca'), "length", '{"category": "ca', None),
        (Filtered("Half a"), "content_filter", "Half a", None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_incomplete_answers_look_as_those_of_openai(stand_in, client, reply, finish_reason, content, refusal, stream):
    stand_in.reply_with(reply)
    if stream:
        deltas = [chunk.choices[0] for chunk in ask(client, stream=True)]
        said = "".join(choice.delta.content or "" for choice in deltas) or None
        refused = "".join(choice.delta.refusal or "" for choice in deltas) or None
        assert (deltas[-1].finish_reason, said, refused) == (finish_reason, content, refusal)
    else:
        choice = ask(client).choices[0]
        assert (choice.finish_reason, choice.message.content, choice.message.refusal) == (
            finish_reason,
            content,
            refusal,
        )
    assert stand_in.totals.answers == 1


def test_empty_choices_still_cost(stand_in, client):
    stand_in.reply_with(EmptyChoices())
    answer = ask(client)
    assert answer.choices == []
    assert answer.usage.prompt_tokens == stand_in.totals.prompt_tokens == 12


@pytest.mark.parametrize(
    ("reply", "error", "code", "kind"),
    [
        (Status(400), openai.BadRequestError, None, "invalid_request_error"),
        (Status(401), openai.AuthenticationError, "invalid_api_key", "invalid_request_error"),
        (Status(404), openai.NotFoundError, "model_not_found", "invalid_request_error"),
        (Status(429), openai.RateLimitError, "rate_limit_exceeded", "requests"),
        (Status(429, code="insufficient_quota"), openai.RateLimitError, "insufficient_quota", "insufficient_quota"),
        (Status(500), openai.InternalServerError, None, "server_error"),
        (Status(503), openai.InternalServerError, None, "server_error"),
    ],
)
def test_a_status_is_the_error_that_the_sdk_knows(stand_in, client, reply, error, code, kind):
    stand_in.reply_with(reply)
    with pytest.raises(error) as caught:
        ask(client)
    assert (caught.value.code, caught.value.type) == (code, kind)
    assert caught.value.request_id.startswith("req_")
    assert stand_in.totals.answers == stand_in.totals.lost_answers == 0


@pytest.mark.parametrize(
    ("retry_after", "header"),
    [
        (None, None),
        ("0", "0"),
        ("-1", "-1"),
        (3, "3"),
        ("1000000000", "1000000000"),
        (datetime(2026, 11, 20, 12, 0, tzinfo=UTC), "Fri, 20 Nov 2026 12:00:00 GMT"),
        ("soon", "soon"),
    ],
)
def test_retry_after_can_be_anything(stand_in, client, retry_after, header):
    stand_in.reply_with(Status(429, retry_after=retry_after))
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client)
    assert caught.value.response.headers.get("retry-after") == header


@pytest.mark.parametrize("body", [{"detail": "no"}, "plain words", b"\xff\xfe"])
def test_a_status_can_carry_any_body(stand_in, body):
    stand_in.reply_with(Status(502, body=body, headers={"x-proxy": "yes"}))
    raw = raw_answer(stand_in)
    assert raw.startswith(b"HTTP/1.1 502 ")
    assert b"x-proxy: yes\r\n" in raw
    sent = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    assert raw.endswith(b"\r\n\r\n" + sent)


def test_html_comes_where_json_was_awaited(stand_in, client):
    stand_in.reply_with(Html(), Html("<p>down</p>", status=503))
    assert "502 Bad Gateway" in ask(client)
    with pytest.raises(openai.InternalServerError) as caught:
        ask(client)
    assert caught.value.response.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("content_type", ["text/plain; charset=utf-8", "application/octet-stream"])
def test_a_wrong_content_type_hides_a_good_answer(stand_in, content_type):
    stand_in.reply_with(WrongContentType(content_type, of=Answer("fine")))
    head, _, body = raw_answer(stand_in).partition(b"\r\n\r\n")
    assert f"Content-Type: {content_type}".encode() in head
    assert json.loads(body)["choices"][0]["message"]["content"] == "fine"
    assert (stand_in.totals.answers, stand_in.totals.lost_answers) == (1, 0)


def test_cut_json_is_a_whole_http_answer(stand_in, client):
    stand_in.reply_with(CutJson(), CutJson(share=0.1))
    with pytest.raises(json.JSONDecodeError):
        ask(client)
    head, _, body = raw_answer(stand_in).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert stand_in.totals.lost_answers == 2
    assert stand_in.totals.lost_prompt_tokens == 24


def test_a_cut_body_is_shorter_than_was_announced(stand_in, client):
    stand_in.reply_with(CutBody(), CutBody(share=0.0))
    with pytest.raises((openai.APIConnectionError, httpx2.RemoteProtocolError)):
        ask(client)
    head, _, body = raw_answer(stand_in).partition(b"\r\n\r\n")
    assert body == b""
    assert b"Content-Length: 0" not in head
    assert stand_in.totals.lost_answers == 2


def test_a_disconnect_comes_before_any_byte(stand_in, client):
    stand_in.reply_with(Disconnect(), Disconnect(), "after")
    with pytest.raises(openai.APIConnectionError):
        ask(client)
    assert raw_answer(stand_in) == b""
    assert ask(client).choices[0].message.content == "after"
    assert (stand_in.totals.requests, stand_in.totals.answers, stand_in.totals.lost_answers) == (3, 1, 0)


def test_a_hang_runs_into_the_timeout_of_the_client(stand_in, client):
    stand_in.reply_with(Hang())
    with pytest.raises(openai.APITimeoutError):
        ask(client, timeout=0.3)
    deadline = time.monotonic() + 5
    while stand_in.totals.in_flight and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stand_in.totals.in_flight == 0, "a client that has gone is not waited for"


def test_a_hang_ends_when_it_is_told_to(stand_in):
    stand_in.reply_with(Hang(0.3), Hang(0.3, after_headers=True))
    assert raw_answer(stand_in) == b""
    began = time.monotonic()
    assert raw_answer(stand_in).startswith(b"HTTP/1.1 200 OK\r\n")
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("body", [BODY, STREAM_BODY])
def test_a_drip_is_slow_as_a_whole_and_never_for_long(stand_in, body):
    stand_in.reply_with(Answer("ok"), Drip(0.0005, of=Answer("ok")))
    quick = raw_answer(stand_in, body)
    began = time.monotonic()
    slow = raw_answer(stand_in, body)
    assert time.monotonic() - began > 0.0005 * 200
    assert b'"finish_reason": "stop"' in slow.replace(b"\r\n1\r\n", b"") or body is STREAM_BODY
    assert len(slow) >= len(quick)
    assert stand_in.totals.answers == 2


def test_a_client_that_leaves_a_drip_has_lost_an_answer_that_is_billed(stand_in, client):
    stand_in.reply_with(Drip(0.02))
    address = urlsplit(stand_in.base_url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    connection.request("POST", "/v1/chat/completions", BODY)
    answer = connection.getresponse()
    answer.read(3)
    answer.close()
    connection.close()
    deadline = time.monotonic() + 5
    while stand_in.totals.lost_answers == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (stand_in.totals.answers, stand_in.totals.lost_answers) == (0, 1)
    assert (stand_in.totals.prompt_tokens, stand_in.totals.lost_prompt_tokens) == (0, 12)


def test_a_client_that_gives_up_during_the_latency_has_lost_its_answer():
    with StandIn(latency=0.6) as provider, OpenAI(base_url=provider.base_url, api_key="k", max_retries=0) as client:
        with pytest.raises(openai.APITimeoutError):
            ask(client, timeout=0.1)
        deadline = time.monotonic() + 5
        while provider.totals.lost_answers == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (provider.totals.answers, provider.totals.lost_answers) == (0, 1)


def test_a_cut_stream_breaks_off(stand_in, client):
    stand_in.reply_with(CutStream(after_chunks=2, of=Answer("one two three")))
    chunks = []
    with pytest.raises((httpx2.RemoteProtocolError, openai.APIError)):  # noqa: PT012 - the break is in the reading
        for chunk in ask(client, stream=True):
            chunks.append(chunk)
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "one "]
    assert stand_in.totals.lost_answers == 1


def test_a_stream_cut_politely_raises_nothing_and_has_no_finish_reason(stand_in, client):
    stand_in.reply_with(CutStream(after_chunks=2, politely=True, of=Answer("one two three")))
    chunks = list(ask(client, stream=True))
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "one "]
    assert {chunk.choices[0].finish_reason for chunk in chunks} == {None}


def test_a_cut_stream_cuts_the_body_of_who_wanted_none(stand_in, client):
    stand_in.reply_with(CutStream())
    with pytest.raises((openai.APIConnectionError, httpx2.RemoteProtocolError)):
        ask(client)
    assert stand_in.totals.lost_answers == 1


def test_events_are_sent_to_the_letter(stand_in, client):
    stand_in.reply_with(Events(("{not json",)), Events(('{"a": 1}', "\x00"), done=2), Events((), done=0))
    with pytest.raises(json.JSONDecodeError):
        list(ask(client, stream=True))
    assert raw_answer(stand_in, STREAM_BODY).count(b"data: [DONE]") == 2
    assert b"data:" not in raw_answer(stand_in, STREAM_BODY)


def test_nul_and_lone_surrogates_arrive(stand_in, client):
    stand_in.reply_with("a\x00b", Answer("\ud800"))
    assert ask(client).choices[0].message.content == "a\x00b"
    assert b"\\ud800" in raw_answer(stand_in)


def test_raw_bytes_are_left_alone(stand_in):
    stand_in.reply_with(Raw(b"[" * 100_000, status=201, content_type="application/json", headers={"x-mine": "1"}))
    raw = raw_answer(stand_in)
    assert raw.startswith(b"HTTP/1.1 201 ")
    assert b"x-mine: 1" in raw
    assert raw.endswith(b"\r\n\r\n" + b"[" * 100_000)


def test_a_flood_has_its_size_and_a_bomb_is_small_on_the_wire(stand_in):
    stand_in.reply_with(Flood(3_000_000), Flood(3_000_000, compressed=True))
    assert len(raw_answer(stand_in)) > 3_000_000
    raw = raw_answer(stand_in)
    assert len(raw) < 30_000
    packed = b"".join(_chunks(raw.partition(b"\r\n\r\n")[2]))
    assert gzip.decompress(packed) == b" " * 3_000_000


def _chunks(body):
    while body:
        size, _, body = body.partition(b"\r\n")
        yield body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]


def test_a_delay_of_a_reply_takes_the_place_of_the_latency():
    with StandIn(latency=0.8) as provider, OpenAI(base_url=provider.base_url, api_key="k", max_retries=0) as client:
        provider.reply_with(Answer("at once", delay=0), Answer("later"), Status(500, delay=0.1))
        began = time.monotonic()
        ask(client)
        first = time.monotonic()
        ask(client)
        second = time.monotonic()
        with pytest.raises(openai.InternalServerError):
            ask(client)
        third = time.monotonic()
    assert first - began < 0.8 <= second - first
    assert 0.1 <= third - second < 0.8


def test_a_rule_aims_at_one_row_and_leaves_the_script_to_the_others(stand_in, client):
    stand_in.when(lambda request: "Ticket 2" in request.text, Status(400, message="Row two is bad."))
    stand_in.reply_with("one", "three")
    assert ask(client, "Ticket 1").choices[0].message.content == "one"
    for _ in range(2):
        with pytest.raises(openai.BadRequestError, match="Row two is bad"):
            ask(client, "Ticket 2")
    assert ask(client, "Ticket 3").choices[0].message.content == "three"


def test_rules_are_spent_in_the_order_they_were_made(stand_in, client):
    stand_in.when(lambda request: True, "first", times=1)
    stand_in.when(lambda request: True, "second", times=2)
    assert [ask(client).choices[0].message.content for _ in range(3)] == ["first", "second", "second"]
    assert ask(client).choices[0].message.content not in ("first", "second")


@pytest.mark.parametrize("broken", [lambda request: request.text.nonsense, lambda request: 42, Answer(data={1, 2})])
def test_a_broken_rule_fails_the_test_that_wrote_it(broken):
    provider = StandIn()
    provider.reply_with(broken)
    with pytest.raises((AttributeError, TypeError)), provider:  # noqa: PT012 - raised when the server stops
        client = OpenAI(base_url=provider.base_url, api_key="k", max_retries=0)
        with client, pytest.raises(openai.InternalServerError, match="reply of the test failed"):
            ask(client)


def test_a_rule_may_look_at_the_provider_and_script_what_follows(stand_in, client):
    def script_the_next(request):
        if request.number == 1:
            stand_in.reply_with("second")
        return stand_in.totals.requests == 1

    stand_in.when(script_the_next, "first")
    assert [ask(client).choices[0].message.content for _ in range(2)] == ["first", "second"]


def test_a_client_that_leaves_while_it_asks_has_asked_nothing(stand_in, client):
    address = urlsplit(stand_in.base_url)
    with closing(socket.create_connection((address.hostname, address.port), timeout=5)) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
        time.sleep(0.1)
    ask(client)
    assert stand_in.totals.requests == len(stand_in.requests) == 1


def _outcome(client, number):
    try:
        answer = ask(client, f"Ticket {number}")
    except Exception as error:
        return type(error).__name__
    return answer.choices[0].finish_reason if hasattr(answer, "choices") and answer.choices else type(answer).__name__


def _outcomes(seed, count, **more):
    with StandIn(faults=0.3, seed=seed, **more) as provider:
        with OpenAI(base_url=provider.base_url, api_key="k", max_retries=0) as client:
            outcomes = [_outcome(client, number) for number in range(count)]
        return outcomes, provider.totals


def test_faults_come_by_seed_and_at_their_rate():
    first, totals = _outcomes(1, 80)
    assert first == _outcomes(1, 80)[0]
    assert first != _outcomes(2, 80)[0]
    bad = sum(outcome != "stop" for outcome in first)
    assert 12 <= bad <= 36
    assert len(set(first)) >= 5
    assert totals.requests == 80


def test_on_a_bad_day_the_count_is_still_that_of_the_answers_that_can_be_read():
    async def tokens_of(session, url, number):
        body = {"model": "m", "messages": [{"role": "user", "content": f"Ticket {number}"}]}
        try:
            async with session.post(f"{url}/chat/completions", json=body) as answer:
                usage = json.loads(await answer.read()).get("usage") or {}
        except (aiohttp.ClientError, ValueError, RecursionError):
            return 0, 0, 0
        return bool(usage), usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)

    async def all_of_them(url):
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session:
            return await asyncio.gather(*(tokens_of(session, url, number) for number in range(500)))

    counted_rightly = [kind for kind in FAULTS if not hasattr(kind, "usage") or kind.usage is UNSET]
    with StandIn(faults=0.5, seed=11, fault_kinds=counted_rightly) as provider:
        read = asyncio.run(all_of_them(provider.base_url))
        totals = provider.totals
    assert (totals.answers, totals.prompt_tokens, totals.completion_tokens) == tuple(map(sum, zip(*read, strict=True)))
    assert totals.answers + totals.lost_answers < totals.requests
    assert totals.requests >= 500, "aiohttp asks again where a kept connection closes before an answer"
    assert provider.totals.in_flight == 0


def test_the_kinds_of_faults_can_be_chosen():
    outcomes, _ = _outcomes(1, 60, fault_kinds=(Filtered(),))
    assert set(outcomes) == {"stop", "content_filter"}


def test_no_fault_of_the_mix_takes_long():
    assert not any(isinstance(reply, (Hang, Drip)) for reply in FAULTS)
    assert all(reply.compressed and reply.size < 1 << 26 for reply in FAULTS if isinstance(reply, Flood))
    assert not any(fault in FAULTS for fault in SLOW_FAULTS)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_of_faults_lies_between_nothing_and_all(share):
    with pytest.raises(ValueError, match="between 0 and 1"):
        StandIn(faults=share)
