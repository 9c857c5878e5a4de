"""One request being answered: the few things that a reply can do to the connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.operation import JSON, Operation
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.totals import Tally
from aiops.gateway.stand_in.wire import Wire

EVENTS = "text/event-stream; charset=utf-8"

RATE_LIMIT_HEADERS: Mapping[str, str] = {
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-limit-tokens": "2000000",
    "x-ratelimit-remaining-tokens": "1999000",
    "x-ratelimit-reset-tokens": "30ms",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How this server answers when a reply does not say otherwise."""

    seed: int
    model: str
    """Named in the answers; empty echoes the model that was asked for."""
    cached_tokens: int
    reasoning_tokens: int


class Exchange:
    """Given to a reply, which sends itself through it. Writing raises `ConnectionError` once the client has gone."""

    def __init__(
        self,
        wire: Wire,
        received: Received,
        operation: Operation | None,
        *,
        manner: Manner,
        tally: Tally,
        request_id: str,
        limits: Mapping[str, str] = RATE_LIMIT_HEADERS,
    ) -> None:
        self.received = received
        self.operation = operation
        self.manner = manner
        self.streamed = operation is not None and operation.streams(received)
        """Whether a stream is awaited."""
        self.request_id = request_id
        self.limits = limits
        """The headers that tell of rate limits."""
        self._wire = wire
        self._tally = tally
        self._promised: Draft | None = None

    async def whole(
        self, body: bytes, *, status: int = 200, content_type: str = JSON, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a complete answer at once."""
        await self._wire.whole(body, status=status, headers=self._headers(content_type, headers))

    async def begin(
        self,
        content_type: str = EVENTS,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """Send the headers of an answer that comes piece by piece, with a `Content-Length` where one is given."""
        await self._wire.begin(status=status, headers=self._headers(content_type, headers), length=length)

    async def piece(self, data: bytes) -> None:
        """Send the next piece; it leaves at once."""
        await self._wire.piece(data)

    async def end(self) -> None:
        """End the answer as HTTP wants it."""
        await self._wire.end()

    async def pause(self, seconds: float) -> None:
        """Let so much time go by; 0 lets the others have their turn."""
        await self._wire.pause(seconds)

    async def stall(self, seconds: float) -> None:
        """Do nothing for so long, or until the client has gone.

        Raises:
            ConnectionError: the client has gone.
        """
        await self._wire.stall(seconds)

    @property
    def asked(self) -> Operation:
        """What was asked for. A reply is only sent where there is something to reply to."""
        if self.operation is None:
            raise LookupError(f"There is nothing at {self.received.path} that could be answered.")
        return self.operation

    @property
    def begun(self) -> bool:
        """Whether the headers of an answer have been sent."""
        return self._wire.begun

    def half_close(self) -> None:
        """Say that nothing more comes, in the middle of whatever was being said, and go on listening."""
        self._wire.half_close()

    def hang_up(self) -> None:
        """Close the connection in the middle of whatever was being said."""
        self._wire.hang_up()

    def promise(self, draft: Draft) -> None:
        """Count the answer as given, before it leaves: a client that has it may ask for the count at once."""
        if not draft.operation.counted or draft.error is not None:
            return
        if draft.said.failure is not None and not draft.operation.tells_failure:
            self.lose(draft)
            return
        self._promised = draft
        self._tally.given(draft.billed)

    def lose(self, draft: Draft) -> None:
        """Count an answer that the client will not be able to read."""
        if draft.operation.counted and draft.error is None:
            self._tally.lost(draft.billed)

    def broken(self) -> None:
        """The client left before it had everything: a promised answer is lost."""
        if self._promised is not None:
            self._tally.given(self._promised.billed, sign=-1)
            self._tally.lost(self._promised.billed)
            self._promised = None

    def _headers(self, content_type: str, more: Mapping[str, str] | None) -> dict[str, str]:
        headers = {"Content-Type": content_type, "x-request-id": self.request_id, **self.limits}
        if more:
            headers.update(more)
        return headers
