"""Answers that go wrong on the way, and the mix of them that `StandIn(faults=0.1)` deals out."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass, field

from aiops.gateway.stand_in.draft import DONE, event
from aiops.gateway.stand_in.exchange import EVENTS, JSON, Exchange
from aiops.gateway.stand_in.replies import Answer, Completing, EmptyChoices, Filtered, Length, Refusal, Reply
from aiops.gateway.stand_in.statuses import Html, Status


@dataclass(frozen=True)
class WrongContentType(Reply):
    """A good answer under a name that is not its own."""

    content_type: str = "text/plain; charset=utf-8"
    of: Completing = field(default_factory=Answer)

    async def send(self, exchange: Exchange) -> None:
        draft = self.of.draft(exchange)
        exchange.promise(draft)
        await exchange.whole(draft.body(), content_type=self.content_type)


@dataclass(frozen=True)
class CutJson(Reply):
    """A whole HTTP answer whose JSON stops after this share of its bytes."""

    share: float = 0.5
    of: Completing = field(default_factory=Answer)

    async def send(self, exchange: Exchange) -> None:
        draft = self.of.draft(exchange)
        exchange.lose(draft)
        body = draft.body()
        await exchange.whole(body[: int(len(body) * self.share)])


@dataclass(frozen=True)
class CutBody(Reply):
    """The connection closes after this share of the body that the headers announced."""

    share: float = 0.5
    of: Completing = field(default_factory=Answer)

    async def send(self, exchange: Exchange) -> None:
        draft = self.of.draft(exchange)
        exchange.lose(draft)
        body = draft.body()
        await exchange.begin(JSON, length=len(body))
        await exchange.piece(body[: int(len(body) * self.share)])
        exchange.hang_up()


@dataclass(frozen=True)
class Hang(Reply):
    """The request is taken and never answered; after so many seconds the connection closes."""

    seconds: float = 3600.0
    after_headers: bool = False
    """Send the status and the headers first, and only then fall silent."""

    async def send(self, exchange: Exchange) -> None:
        if self.after_headers:
            await exchange.begin(EVENTS if exchange.received.streamed else JSON)
        await exchange.stall(self.seconds)
        exchange.hang_up()


@dataclass(frozen=True)
class Drip(Reply):
    """A good answer, one byte at a time: no single read is slow, the whole of it is."""

    seconds_per_byte: float = 1.0
    of: Completing = field(default_factory=Answer)

    async def send(self, exchange: Exchange) -> None:
        draft = self.of.draft(exchange)
        exchange.promise(draft)
        if exchange.received.streamed:
            await exchange.begin()
            body = b"".join(draft.events(include_usage=exchange.received.wants_usage_in_stream)) + DONE
        else:
            body = draft.body()
            await exchange.begin(JSON, length=len(body))
        for index in range(len(body)):
            await exchange.piece(body[index : index + 1])
            await asyncio.sleep(self.seconds_per_byte)
        await exchange.end()


@dataclass(frozen=True)
class Disconnect(Reply):
    """The connection closes before a byte of an answer."""

    async def send(self, exchange: Exchange) -> None:
        exchange.hang_up()


@dataclass(frozen=True)
class CutStream(Reply):
    """A stream that stops after so many chunks. A request that wants no stream gets a cut body."""

    after_chunks: int = 1
    politely: bool = False
    """End the HTTP answer properly: nothing but the missing finish reason tells that it was cut."""

    of: Completing = field(default_factory=Answer)

    async def send(self, exchange: Exchange) -> None:
        if not exchange.received.streamed:
            await CutBody(of=self.of).send(exchange)
            return
        draft = self.of.draft(exchange)
        exchange.lose(draft)
        await exchange.begin()
        chunks = draft.events(include_usage=exchange.received.wants_usage_in_stream)
        for chunk, _ in zip(chunks, range(self.after_chunks), strict=False):
            await exchange.piece(chunk)
        if self.politely:
            await exchange.end()
        else:
            exchange.hang_up()


@dataclass(frozen=True)
class Events(Reply):
    """A stream of exactly these events: chunks that are no JSON, a doubled or a missing end, …"""

    data: tuple[str, ...]
    done: int = 1
    """How many `[DONE]` follow."""

    async def send(self, exchange: Exchange) -> None:
        await exchange.begin()
        for line in self.data:
            await exchange.piece(event(line))
        for _ in range(self.done):
            await exchange.piece(DONE)
        await exchange.end()


@dataclass(frozen=True)
class Flood(Reply):
    """A body of so many bytes, which the server never holds as a whole."""

    size: int
    compressed: bool = False
    """Send it gzipped: about a thousandth on the wire, all of it once it is opened."""

    status: int = 200

    async def send(self, exchange: Exchange) -> None:
        headers = {"Content-Encoding": "gzip"} if self.compressed else None
        await exchange.begin(JSON, status=self.status, headers=headers)
        gzip = zlib.compressobj(wbits=31) if self.compressed else None
        left = self.size
        while left > 0:
            block = b" " * min(left, 1 << 18)
            left -= len(block)
            packed = gzip.compress(block) if gzip else block
            if packed:
                await exchange.piece(packed)
            # A client that reads as fast as we write would never let the others have their turn.
            await asyncio.sleep(0)
        if gzip:
            await exchange.piece(gzip.flush())
        await exchange.end()


FAULTS: tuple[Reply, ...] = (
    Status(429, retry_after="0"),
    Status(429, retry_after="0.05"),
    Status(500),
    Status(503),
    Disconnect(),
    CutBody(),
    CutStream(after_chunks=2),
    CutJson(),
    Html(),
    Html(status=502),
    WrongContentType(),
    Refusal(),
    Length(),
    Filtered(),
    EmptyChoices(),
)
"""What a provider does on a bad day, but for what takes long: add `Hang(…)` and `Drip(…)` by `fault_kinds`."""
