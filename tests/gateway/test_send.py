"""One attempt against a real server, blocking and not: what comes of each thing a provider can do."""

import asyncio
import gzip
import socket
import threading
import time
import tracemalloc

import pytest
from django.test import override_settings

from aiops.gateway.bounds import MOST_BYTES
from aiops.gateway.clients import close_sync_clients
from aiops.gateway.connections import get_connection
from aiops.gateway.errors import BadRequest, Billed, GatewayError
from aiops.gateway.request import Request
from aiops.gateway.send import asend, send
from aiops.gateway.testing import (
    Answer,
    CutBody,
    CutJson,
    Disconnect,
    Drip,
    EmptyChoices,
    Filtered,
    Flood,
    Hang,
    Html,
    Length,
    Raw,
    Redirect,
    Refusal,
    StandIn,
    Status,
    WrongContentType,
)
from aiops.gateway.translate import retry_after

REQUEST = Request(
    connection="default",
    model="gpt-6-luna",
    messages=[{"role": "user", "content": "What is the capital of Peru?"}],
    output_limit=50,
    parameters={"temperature": 0},
)


def blocking(timeout=5.0):
    return send(REQUEST, get_connection(), timeout=timeout)


def not_blocking(timeout=5.0):
    return asyncio.run(asend(REQUEST, get_connection(), timeout=timeout))


both = pytest.mark.parametrize("ask", [blocking, not_blocking])


@both
def test_an_answer_is_read_with_its_usage_and_its_times(ask, provider):
    provider.reply_with(Answer(text="Lima"))
    completion = ask()
    assert completion.text == "Lima"
    assert completion.finish_reason == "stop"
    assert completion.model == "gpt-6-luna"
    assert completion.usage.tokens_in == provider.totals.prompt_tokens
    assert completion.usage.tokens_out == provider.totals.completion_tokens
    assert completion.request_id
    assert 0 <= completion.first_byte_ms <= completion.total_ms
    [asked] = provider.requests
    assert asked.body == {
        "model": "gpt-6-luna",
        "messages": [{"role": "user", "content": "What is the capital of Peru?"}],
        "max_completion_tokens": 50,
        "temperature": 0,
    }
    assert asked.headers["authorization"] == "Bearer stand-in"


@both
@pytest.mark.parametrize(
    ("reply", "kind", "retryable", "billed"),
    [
        (Status(429, retry_after="3"), "rate_limited", True, Billed.NO),
        (Status(429, code="insufficient_quota"), "quota_exhausted", False, Billed.NO),
        (Status(500), "server_fault", True, Billed.NO),
        (Status(401), "bad_key", False, Billed.NO),
        (Status(403), "bad_key", False, Billed.NO),
        (Status(400), "bad_request", False, Billed.NO),
        (Status(404), "bad_request", False, Billed.NO),
        (Status(503, body={"error": "overloaded, try again"}), "server_fault", True, Billed.NO),
        (Status(503, body={"detail": "overloaded, try again"}), "server_fault", True, Billed.NO),
        (Html(status=502), "interrupted", True, Billed.PERHAPS),
        (Html(), "malformed", False, Billed.PERHAPS),
        (CutJson(), "malformed", False, Billed.PERHAPS),
        (Disconnect(), "interrupted", True, Billed.PERHAPS),
        (CutBody(), "interrupted", True, Billed.PERHAPS),
        (Refusal(), "refused", False, Billed.YES),
        (Length(), "cut_off", False, Billed.YES),
        (Filtered(), "filtered", False, Billed.YES),
        (EmptyChoices(), "empty", False, Billed.YES),
        (Answer(text=""), "empty", False, Billed.YES),
        (Answer(text="Lima", finish_reason=None), "incomplete", False, Billed.YES),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str | bool) else None,
)
def test_what_is_no_answer(ask, provider, reply, kind, retryable, billed):
    provider.reply_with(reply)
    with pytest.raises(GatewayError) as caught:
        ask()
    assert (caught.value.kind, caught.value.retryable, caught.value.billed) == (kind, retryable, billed)
    assert str(caught.value).endswith(".")


@both
@pytest.mark.parametrize(
    "body",
    [{"error": {"message": "no such model: x"}}, {"error": "no such model: x"}, {"message": "no such model: x"}],
)
def test_what_a_provider_says_is_passed_on_however_it_is_wrapped(ask, provider, body):
    provider.reply_with(Status(404, body=body))
    with pytest.raises(GatewayError) as caught:
        ask()
    assert str(caught.value) == "The provider refuses the request (status 404). no such model: x."


@both
def test_an_answer_of_the_wrong_content_type_is_read_all_the_same(ask, provider):
    provider.reply_with(WrongContentType(of=Answer(text="Lima")))
    assert ask().text == "Lima"


@both
def test_a_provider_that_hangs_may_have_answered(ask, provider):
    provider.reply_with(Hang(30))
    started = time.monotonic()
    with pytest.raises(GatewayError) as caught:
        ask(timeout=0.4)
    assert (caught.value.kind, caught.value.billed) == ("interrupted", Billed.PERHAPS)
    assert time.monotonic() - started < 10


@both
def test_a_drip_does_not_outlast_the_attempt(ask, provider):
    provider.reply_with(Drip(0.05))
    started = time.monotonic()
    with pytest.raises(GatewayError, match="did not answer in time") as caught:
        ask(timeout=0.5)
    assert caught.value.billed == Billed.PERHAPS
    assert time.monotonic() - started < 10


@both
@pytest.mark.parametrize(("status", "kind"), [(200, "malformed"), (500, "interrupted"), (429, "rate_limited")])
def test_of_an_endless_answer_only_the_beginning_is_read(ask, provider, status, kind):
    provider.reply_with(Flood(1 << 30, status=status))
    tracemalloc.start()
    try:
        with pytest.raises(GatewayError) as caught:
            ask()
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.kind == kind
    assert peak < 6 * MOST_BYTES


@both
def test_an_error_that_a_proxy_has_compressed_is_told_by_its_status(ask, provider):
    body = gzip.compress(b'{"error": {"message": "slow down"}}')
    headers = {"Content-Encoding": "gzip", "Retry-After": "7"}
    provider.reply_with(Raw(body, status=429, headers=headers))
    with pytest.raises(GatewayError) as caught:
        ask()
    assert (caught.value.kind, caught.value.retry_after) == ("rate_limited", 7)


@both
@pytest.mark.parametrize("length", ["abc", "-1"])
def test_http_that_cannot_be_read_is_an_answer_that_got_lost(ask, length):
    def serve():
        taken, _address = listening.accept()
        with taken:
            taken.recv(65536)
            taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: " + length.encode() + b"\r\n\r\n{}")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=serve)
        server.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        with override_settings(AIOPS={"CONNECTIONS": {"default": {"BASE_URL": url, "API_KEY": None}}}):
            with pytest.raises(GatewayError) as caught:
                ask()
            close_sync_clients()
        server.join()
    assert (caught.value.kind, caught.value.billed) == ("interrupted", Billed.PERHAPS)


@both
def test_an_answer_that_says_how_large_it_is_is_not_read_at_all(ask, provider):
    provider.reply_with(Raw(b" " * (MOST_BYTES + 1)))
    with pytest.raises(GatewayError, match="larger than 16 MiB"):
        ask()


@both
def test_what_unpacks_to_a_gigabyte_is_not_unpacked(ask, provider):
    provider.reply_with(Flood(1 << 30, compressed=True))
    with pytest.raises(GatewayError, match="is compressed") as caught:
        ask()
    assert caught.value.billed == Billed.PERHAPS
    assert provider.requests[0].headers["accept-encoding"] == "identity"


@both
def test_after_an_answer_that_was_left_the_next_is_read(ask, provider):
    provider.reply_with(Flood(1 << 26), Answer(text="Lima"))
    with pytest.raises(GatewayError):
        ask()
    assert ask().text == "Lima"


@both
def test_a_provider_that_is_down_surely_costs_nothing(ask, provider):
    provider.stop()
    with pytest.raises(GatewayError) as caught:
        ask()
    assert (caught.value.kind, caught.value.retryable, caught.value.billed) == ("unreachable", True, Billed.NO)


@both
def test_text_that_no_database_holds_is_mended(ask, provider):
    provider.reply_with(Answer(text="a\x00b\ud800c"))
    assert ask().text == "a\ufffdb\ufffdc"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1e9"}, 1e9),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Fri, 20 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "Fri, 99 Nov 2026"}, None),
    ],
)
def test_how_long_a_provider_asks_us_to_wait(headers, seconds):
    noon = 1795176000.0  # 2026-11-20 12:00:00 UTC
    assert retry_after(headers, now=noon) == seconds


@both
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(ask, provider, status):
    with StandIn() as elsewhere:
        provider.reply_with(Redirect(f"{elsewhere.base_url}/chat/completions", status=status))
        with pytest.raises(BadRequest, match="leads elsewhere"):
            ask()
        assert elsewhere.requests == []
