"""Good answers that are spoilt on their way: called by a wrong name, cut, or sent too slowly. Streams too."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import EVENTS, Exchange
from aiops.gateway.stand_in.replies import Answer, Completing, Reply


@dataclass(frozen=True)
class Spoilt(Reply):
    """What happens to an answer on its way."""

    of: Completing = field(default_factory=Answer, kw_only=True)

    def all_of_it(self, exchange: Exchange) -> tuple[Draft, bytes, str]:
        """The answer, all the bytes that would be sent, and what they are."""
        draft = self.of.draft(exchange)
        if exchange.streamed and draft.error is None:
            streamed = draft.streamed()
            return draft, b"".join([*streamed.pieces, *streamed.ending]), EVENTS
        return draft, draft.body(), draft.content_type


@dataclass(frozen=True)
class WrongContentType(Spoilt):
    """A good answer under a name that is not its own."""

    content_type: str = "text/plain; charset=utf-8"

    async def send(self, exchange: Exchange) -> None:
        draft, body, _ = self.all_of_it(exchange)
        exchange.promise(draft)
        await exchange.whole(body, status=draft.status, content_type=self.content_type)


@dataclass(frozen=True)
class CutJson(Spoilt):
    """A whole HTTP answer whose JSON stops after this share of its bytes; in a stream, an event that does so."""

    share: float = 0.5

    async def send(self, exchange: Exchange) -> None:
        draft = self.of.draft(exchange)
        exchange.lose(draft)
        if exchange.streamed and draft.error is None:
            streamed = draft.streamed()
            *whole, last = streamed.pieces or streamed.ending
            await exchange.whole(b"".join(whole) + _cut(last, self.share) + b"\n\n", content_type=EVENTS)
            return
        await exchange.whole(_cut(draft.body(), self.share), status=draft.status, content_type=draft.content_type)


@dataclass(frozen=True)
class CutBody(Spoilt):
    """The connection closes after this share of the body that the headers announced."""

    share: float = 0.5

    async def send(self, exchange: Exchange) -> None:
        draft, body, content_type = self.all_of_it(exchange)
        exchange.lose(draft)
        await exchange.begin(content_type, status=draft.status, length=len(body))
        await exchange.piece(_cut(body, self.share))
        exchange.hang_up()


@dataclass(frozen=True)
class Drip(Spoilt):
    """A good answer, one byte at a time: no single read is slow, the whole of it is."""

    seconds_per_byte: float = 1.0

    async def send(self, exchange: Exchange) -> None:
        draft, body, content_type = self.all_of_it(exchange)
        exchange.promise(draft)
        length = None if content_type == EVENTS else len(body)
        await exchange.begin(content_type, status=draft.status, length=length)
        for index in range(len(body)):
            await exchange.piece(body[index : index + 1])
            await exchange.pause(self.seconds_per_byte)
        await exchange.end()


def _cut(body: bytes, share: float) -> bytes:
    return body[: int(len(body) * share)]
