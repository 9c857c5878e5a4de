"""What a client must survive: the mix that `StandIn(faults=0.1)` deals out, and what is too slow for it."""

from __future__ import annotations

from datetime import UTC, datetime

from aiops.gateway.stand_in.broken_bodies import CutBody, CutJson, Drip, WrongContentType
from aiops.gateway.stand_in.broken_connections import Disconnect, HalfClosed, Hang
from aiops.gateway.stand_in.broken_streams import CutStream, Ending
from aiops.gateway.stand_in.deep import Deep
from aiops.gateway.stand_in.floods import Flood
from aiops.gateway.stand_in.redirects import Redirect
from aiops.gateway.stand_in.replies import Answer, EmptyChoices, Failed, Filtered, Length, Refusal, Reply
from aiops.gateway.stand_in.statuses import Html, Raw, Status

_STATUSES: tuple[Reply, ...] = (
    Status(429),
    Status(429, retry_after="0"),
    Status(429, retry_after="0.05"),
    Status(429, retry_after="-1"),
    Status(429, retry_after=datetime(2026, 1, 1, tzinfo=UTC)),
    Status(429, retry_after_ms="50"),
    Status(429, code="insufficient_quota"),
    Status(500),
    Status(503),
    Html(status=502),
    Redirect(),
    Redirect(status=301),
)

_BROKEN: tuple[Reply, ...] = (
    Disconnect(),
    CutBody(),
    CutJson(),
    CutStream(after_chunks=2),
    CutStream(after_chunks=2, politely=True),
    HalfClosed(seconds=30),
    Ending(times=0),
    Ending(times=2),
    Html(),
    Raw(b"\x00\xff\xfe"),
    WrongContentType(),
    Deep(outside=True),
    Flood(32 << 20, compressed=True),
)

_NOT_TO_BE_PASSED_ON: tuple[Reply, ...] = (
    Refusal(),
    Length(),
    Filtered(),
    EmptyChoices(),
    Failed(),
    Deep(),
    Answer("This is no JSON."),
    Answer("a\x00b \ud800 c"),
)

_MISCOUNTED: tuple[Reply, ...] = (
    Answer(usage=None),
    Answer(usage={"prompt_tokens": -5, "completion_tokens": -1, "total_tokens": -6}),
    Answer(usage={"prompt_tokens": 10**15, "completion_tokens": 10**15, "total_tokens": 2 * 10**15}),
)

FAULTS: tuple[Reply, ...] = (*_STATUSES, *_BROKEN, *_NOT_TO_BE_PASSED_ON, *_MISCOUNTED)
"""What a provider does on a bad day, but for what takes long."""

SLOW_FAULTS: tuple[Reply, ...] = (
    Status(429, retry_after="1000000000"),
    Hang(),
    Hang(after_headers=True),
    Drip(seconds_per_byte=1.0),
    Flood(1 << 30),
    Flood(1 << 30, compressed=True),
)
"""The rest, each of which may take a client up to its deadline; for `fault_kinds=FAULTS + SLOW_FAULTS`."""
