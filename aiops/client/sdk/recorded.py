"""Transports that stand between the SDK and the network: a row and a hold before a request leaves, their end after."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import httpx2
from asgiref.sync import sync_to_async
from django.utils import timezone

from aiops.client.sdk.answered import answer_in
from aiops.client.sdk.asked import bounded, read
from aiops.execution.answer import about
from aiops.execution.ask import Ended, Tally
from aiops.execution.call import close_call, open_call, policy_of
from aiops.execution.judge import judge
from aiops.execution.prepare import Prepared, prepare_sdk
from aiops.gateway.bounds import MOST_BYTES
from aiops.gateway.connections import Connection
from aiops.gateway.dialects import Facts
from aiops.gateway.errors import Abandoned, GatewayError, Interrupted, Unreachable
from aiops.gateway.translate import NEVER_SENT
from aiops.stops.switch import require_going


class RecordingTransport(httpx2.BaseTransport):
    """Blocking."""

    def __init__(self, connection: Connection, inner: httpx2.BaseTransport) -> None:
        self._connection = connection
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request = bounded(request, self._connection)
        call = _begin(request, self._connection)
        if call is None:
            return self._inner.handle_request(request)
        try:
            response = self._inner.handle_request(request)
        except BaseException as error:
            _end(call.failed(error))
            raise
        response.stream = _Teed(response, call)
        return response

    def close(self) -> None:
        self._inner.close()


class AsyncRecordingTransport(httpx2.AsyncBaseTransport):
    """On an event loop."""

    def __init__(self, connection: Connection, inner: httpx2.AsyncBaseTransport) -> None:
        self._connection = connection
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        request = bounded(request, self._connection)
        call = await sync_to_async(_begin)(request, self._connection)
        if call is None:
            return await self._inner.handle_async_request(request)
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException as error:
            await sync_to_async(_end)(call.failed(error))
            raise
        response.stream = _AsyncTeed(response, call)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Call:
    """One request on its way."""

    def __init__(self, prepared: Prepared) -> None:
        self.tally = Tally(prepared, policy_of(prepared))
        self.tally.begin()
        self._started = time.perf_counter()
        self._first_byte: float | None = None
        self._pieces: list[bytes] = []
        self._size = 0

    def take(self, piece: bytes) -> bytes:
        """Note a piece of the body, as long as all of it is one that could be read."""
        self._first_byte = self._first_byte or time.perf_counter()
        self._size += len(piece)
        if self._size <= MOST_BYTES:
            self._pieces.append(piece)
        return piece

    def failed(self, error: BaseException) -> Ended:
        """The call as it is when no answer came."""
        if isinstance(error, NEVER_SENT):
            self.tally.failed(Unreachable("The provider cannot be reached; check its address and that it is running."))
        elif isinstance(error, Exception):
            self.tally.failed(Interrupted("The connection broke before the answer was complete.", raw=self._raw()))
        else:
            self.tally.failed(Abandoned("Whoever asked did not wait for the answer.", raw=self._raw()))
        return self.tally.ended()

    def ended(self, response: httpx2.Response, *, whole: bool) -> Ended:
        """The call as it is when the answer has been read, or nobody wants the rest of it."""
        if not whole:
            return self.failed(GeneratorExit())
        try:
            return self.tally.ended(
                answer_in(self.tally.prepared, response, b"".join(self._pieces), self._facts(response))
            )
        except GatewayError as error:
            self.tally.failed(error)
            return self.tally.ended()

    def _facts(self, response: httpx2.Response) -> Facts:
        first = self._first_byte
        return Facts(
            request_id=response.headers.get("x-request-id", "")[:128],
            content_type=response.headers.get("content-type", ""),
            first_byte_ms=round((first - self._started) * 1000) if first else None,
            total_ms=round((time.perf_counter() - self._started) * 1000),
        )

    def _raw(self) -> str:
        return b"".join(self._pieces)[:10_000].decode(errors="replace")


class _Teed(httpx2.SyncByteStream):
    """A body that is read by whoever asked, and noted on the way."""

    def __init__(self, response: httpx2.Response, call: _Call) -> None:
        self._response = response
        self._stream = response.stream
        self._call: _Call | None = call

    def __iter__(self) -> Iterator[bytes]:
        if not isinstance(self._stream, httpx2.SyncByteStream) or self._call is None:
            raise TypeError("This body is not to be read here, or not again.")
        try:
            for piece in self._stream:
                yield self._call.take(piece)
        except GeneratorExit:
            raise
        except BaseException as error:
            self._settle(self._call.failed(error))
            raise
        self._settle(self._call.ended(self._response, whole=True))

    def close(self) -> None:
        if isinstance(self._stream, httpx2.SyncByteStream):
            self._stream.close()
        if self._call is not None:
            self._settle(self._call.ended(self._response, whole=False))

    def _settle(self, ended: Ended) -> None:
        self._call = None
        _end(ended)


class _AsyncTeed(httpx2.AsyncByteStream):
    """As `_Teed`, on an event loop."""

    def __init__(self, response: httpx2.Response, call: _Call) -> None:
        self._response = response
        self._stream = response.stream
        self._call: _Call | None = call

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not isinstance(self._stream, httpx2.AsyncByteStream) or self._call is None:
            raise TypeError("This body is not to be read here, or not again.")
        try:
            async for piece in self._stream:
                yield self._call.take(piece)
        except GeneratorExit:
            raise
        except BaseException as error:
            await self._settle(self._call.failed(error))
            raise
        await self._settle(self._call.ended(self._response, whole=True))

    async def aclose(self) -> None:
        if isinstance(self._stream, httpx2.AsyncByteStream):
            await self._stream.aclose()
        if self._call is not None:
            await self._settle(self._call.ended(self._response, whole=False))

    async def _settle(self, ended: Ended) -> None:
        self._call = None
        await sync_to_async(_end)(ended)


def _begin(request: httpx2.Request, connection: Connection) -> _Call | None:
    asked = read(request, connection)
    if asked is None:
        # Nothing is recorded of it, and it is stopped all the same: a file that is uploaded leaves the building.
        require_going()
        return None
    return _Call(open_call(prepare_sdk(asked, about(None, None), connection, now=timezone.now())))


def _end(ended: Ended) -> None:
    close_call(judge(ended))
