"""Streams that do not end as they should, or consist of anything at all."""

from __future__ import annotations

from dataclasses import dataclass

from aiops.gateway.stand_in.broken_bodies import CutBody, Spoilt
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.replies import Reply
from aiops.gateway.stand_in.sse import DONE, event


@dataclass(frozen=True)
class CutStream(Spoilt):
    """A stream that stops after so many events. A request that wants no stream gets a cut body."""

    after_chunks: int = 1
    politely: bool = False
    """End the HTTP answer properly: nothing but the missing end of the stream tells that it was cut."""

    async def send(self, exchange: Exchange) -> None:
        if not exchange.streamed:
            await CutBody(of=self.of).send(exchange)
            return
        draft = self.of.draft(exchange)
        exchange.lose(draft)
        await exchange.begin()
        streamed = draft.streamed()
        for chunk in [*streamed.pieces, *streamed.ending][: self.after_chunks]:
            await exchange.piece(chunk)
        if self.politely:
            await exchange.end()
        else:
            exchange.hang_up()


@dataclass(frozen=True)
class Ending(Spoilt):
    """An answer whose end comes so many times: in a stream what says that it is whole, else the last byte."""

    times: int = 2

    async def send(self, exchange: Exchange) -> None:
        draft = self.of.draft(exchange)
        streams = exchange.streamed and draft.error is None
        if self.times == 1 or (streams and self.times):
            exchange.promise(draft)
        else:
            exchange.lose(draft)
        if streams:
            streamed = draft.streamed()
            await exchange.begin()
            for piece in [*streamed.pieces, *streamed.ending * self.times]:
                await exchange.piece(piece)
            await exchange.end()
            return
        body = draft.body()
        whole = body[:-1] + body[-1:] * self.times
        await exchange.whole(whole, status=draft.status, content_type=draft.content_type)


@dataclass(frozen=True)
class Events(Reply):
    """A stream of exactly these events: chunks that are no JSON, what no API says, …"""

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
