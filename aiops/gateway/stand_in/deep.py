"""JSON with more levels than anybody reads."""

from __future__ import annotations

from dataclasses import dataclass

from aiops.gateway.stand_in.exchange import EVENTS, Exchange
from aiops.gateway.stand_in.operation import JSON
from aiops.gateway.stand_in.replies import Answer, Reply
from aiops.gateway.stand_in.sse import event


@dataclass(frozen=True)
class Deep(Reply):
    """Lists within lists, so many levels of them: what the model says, or the body itself."""

    levels: int = 100_000
    outside: bool = False
    """The body is so deep, or an event of a stream; not the text that the model says."""

    async def send(self, exchange: Exchange) -> None:
        deep = "[" * self.levels + "]" * self.levels
        if not self.outside:
            await Answer(deep).send(exchange)
        elif exchange.streamed:
            await exchange.whole(event(deep), content_type=EVENTS)
        else:
            await exchange.whole(deep.encode(), content_type=JSON)
