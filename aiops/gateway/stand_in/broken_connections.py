"""Connections that give nothing, or give up."""

from __future__ import annotations

from dataclasses import dataclass

from aiops.gateway.stand_in.broken_bodies import Spoilt
from aiops.gateway.stand_in.exchange import EVENTS, Exchange
from aiops.gateway.stand_in.operation import JSON
from aiops.gateway.stand_in.replies import Reply


@dataclass(frozen=True)
class Hang(Reply):
    """The request is taken and never answered; after so many seconds the connection closes."""

    seconds: float = 3600.0
    after_headers: bool = False
    """Send the status and the headers first, and only then fall silent."""

    async def send(self, exchange: Exchange) -> None:
        if self.after_headers:
            await exchange.begin(EVENTS if exchange.streamed else JSON)
        await exchange.stall(self.seconds)
        exchange.hang_up()


@dataclass(frozen=True)
class Disconnect(Reply):
    """The connection closes before a byte of an answer."""

    async def send(self, exchange: Exchange) -> None:
        exchange.hang_up()


@dataclass(frozen=True)
class HalfClosed(Spoilt):
    """After this share of an answer the server's half of the connection ends, and the other half stays open."""

    share: float = 0.5
    seconds: float = 3600.0
    """How long it stays open, unless the client closes it."""

    async def send(self, exchange: Exchange) -> None:
        draft, body, content_type = self.all_of_it(exchange)
        exchange.lose(draft)
        length = None if exchange.streamed else len(body)
        await exchange.begin(content_type, status=draft.status, length=length)
        await exchange.piece(body[: int(len(body) * self.share)])
        exchange.half_close()
        await exchange.stall(self.seconds)
        exchange.hang_up()
