"""The provider without a connection: an answer is made step by step, each when whoever asked wants the next.

Needs neither a thread nor an event loop of its own, so blocking code and code on any loop are answered alike.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Generator, Iterator, Mapping
from dataclasses import dataclass
from types import coroutine
from typing import Any

import httpx2

from aiops.gateway.stand_in.arriving import Arrived
from aiops.gateway.stand_in.provider import Provider


@dataclass(frozen=True, slots=True)
class _Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class _Head:
    status: int
    headers: list[tuple[str, str]]


_Step = _Pause | _Head | bytes


class InProcess:
    """An `Answerer` at the hosts of a provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        answering = _Answering(self._provider, request)
        for step in answering.steps():
            if isinstance(step, _Pause):
                time.sleep(step.seconds)
            elif isinstance(step, _Head):
                return httpx2.Response(step.status, headers=step.headers, stream=_Body(answering))
        raise answering.broke_off()

    async def aanswer(self, request: httpx2.Request) -> httpx2.Response:
        # Over a network every request lets the others have their turn.
        await asyncio.sleep(0)
        answering = _Answering(self._provider, request)
        for step in answering.steps():
            if isinstance(step, _Pause):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, _Head):
                return httpx2.Response(step.status, headers=step.headers, stream=_AsyncBody(answering))
        raise answering.broke_off()


class _Answering:
    """One answer under way, the same for both drivers."""

    def __init__(self, provider: Provider, request: httpx2.Request) -> None:
        arrived = Arrived(
            method=request.method,
            path=request.url.path,
            headers=request.headers,
            query=dict(request.url.params),
            content=request.content,
        )
        self._request = request
        self._wire = _Wire()
        self._made: Coroutine[_Step, None, None] = provider.answer(arrived, self._wire)
        self._patience: float | None = (request.extensions.get("timeout") or {}).get("read")

    def steps(self) -> Iterator[_Step]:
        """What happens next, until the answer ends or stops for a while.

        Raises:
            httpx2.ReadTimeout: nobody would wait for so long. So nobody does.
        """
        while True:
            try:
                step = self._made.send(None)
            except StopIteration:
                return
            if isinstance(step, _Pause) and self._patience is not None and step.seconds > self._patience:
                self.close()
                raise httpx2.ReadTimeout("The answer did not come in time.", request=self._request)
            yield step

    def broke_off(self) -> httpx2.RemoteProtocolError:
        """The connection was closed too early."""
        return httpx2.RemoteProtocolError("The server hung up before the answer was complete.", request=self._request)

    def require_end(self) -> None:
        """Afterwards the answer is known to be whole.

        Raises:
            httpx2.RemoteProtocolError: it is not.
        """
        if not self._wire.ended:
            raise self.broke_off()

    def close(self) -> None:
        """Nobody wants the rest."""
        self._made.close()


class _Wire:
    """A `Wire` whose other end takes each step when it wants it."""

    def __init__(self) -> None:
        self.begun = False
        self.ended = False
        self._half_closed = False

    async def whole(self, body: bytes, *, status: int, headers: Mapping[str, str]) -> None:
        await self.begin(status=status, headers=headers, length=len(body))
        await self.piece(body)
        await self.end()

    async def begin(self, *, status: int, headers: Mapping[str, str], length: int | None) -> None:
        self.begun = True
        told = list(headers.items()) + ([] if length is None else [("Content-Length", str(length))])
        await _step(_Head(status, told))

    async def piece(self, data: bytes) -> None:
        await _step(data)

    async def end(self) -> None:
        self.ended = True

    async def pause(self, seconds: float) -> None:
        await _step(_Pause(seconds))

    async def stall(self, seconds: float) -> None:
        if self._half_closed:
            raise ConnectionResetError("Whoever asked has seen the end, and gone.")
        await _step(_Pause(seconds))

    def half_close(self) -> None:
        self._half_closed = True

    def hang_up(self) -> None:
        """There is nothing to close: an answer that is over and has not ended has broken off."""


@coroutine
def _step(step: _Step) -> Generator[Any, None, None]:
    yield step


class _Body(httpx2.SyncByteStream):
    def __init__(self, answering: _Answering) -> None:
        self._answering = answering

    def __iter__(self) -> Iterator[bytes]:
        for step in self._answering.steps():
            if isinstance(step, _Pause):
                time.sleep(step.seconds)
            elif isinstance(step, bytes):
                yield step
        self._answering.require_end()

    def close(self) -> None:
        self._answering.close()


class _AsyncBody(httpx2.AsyncByteStream):
    def __init__(self, answering: _Answering) -> None:
        self._answering = answering

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for step in self._answering.steps():
            if isinstance(step, _Pause):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, bytes):
                yield step
        self._answering.require_end()

    async def aclose(self) -> None:
        self._answering.close()
