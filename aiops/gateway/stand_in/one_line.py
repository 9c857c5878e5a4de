"""One line of a batch, answered by the provider as a request would be, without a connection."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from aiops.gateway.stand_in.operation import Problem
from aiops.gateway.stand_in.wire import Wire


class LineWire:
    """A `Wire` that keeps what is written."""

    def __init__(self) -> None:
        self.begun = False
        self.ended = False
        self.status = 0
        self._pieces: list[bytes] = []

    @property
    def body(self) -> bytes:
        return b"".join(self._pieces)

    async def whole(self, body: bytes, *, status: int, headers: Mapping[str, str]) -> None:
        await self.begin(status=status, headers=headers, length=len(body))
        await self.piece(body)
        await self.end()

    async def begin(self, *, status: int, headers: Mapping[str, str], length: int | None) -> None:
        self.begun, self.status = True, status

    async def piece(self, data: bytes) -> None:
        self._pieces.append(data)

    async def end(self) -> None:
        self.ended = True

    async def pause(self, seconds: float) -> None:
        """Nobody waits for a batch."""

    async def stall(self, seconds: float) -> None:
        raise ConnectionResetError("Nobody waits for a batch.")

    def half_close(self) -> None:
        """There is no other end."""

    def hang_up(self) -> None:
        """There is nobody to hang up on."""


Answer = Callable[[str, Mapping[str, Any], Wire], Coroutine[Any, Any, str]]


def answer_line(answer: Answer, url: str, body: Mapping[str, Any]) -> tuple[int, bytes, str]:
    """Status and body of the answer, and the id of the request. What broke off is an error of the server's own."""
    wire = LineWire()
    steps = answer(url, body, wire)
    try:
        # Nothing in it waits for anybody, so it ends at its first step.
        steps.send(None)
    except StopIteration as ended:
        request_id = str(ended.value)
    else:
        steps.close()
        request_id = ""
    if not wire.ended:
        return 500, Problem(status=500, message="The server had an error while processing the request.").body(), ""
    return wire.status, wire.body, request_id
