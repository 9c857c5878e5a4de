"""Transports that stand between the SDK and the network, and make a call of each request for one."""

from __future__ import annotations

import os
from collections.abc import Callable

import httpx2
from asgiref.sync import sync_to_async

from aiops.client.sdk.asked import read
from aiops.client.sdk.paths import asks_a_model
from aiops.client.sdk.sent import Sent, aend, end, prepared, saying_why
from aiops.client.sdk.tee import AsyncTeed, Teed
from aiops.execution.call import policy_of
from aiops.execution.leave import aleave, heard_by, leave
from aiops.execution.opening import aopen, open_call
from aiops.gateway.connections import Connection
from aiops.stops.switch import require_going


class RecordingTransport(httpx2.BaseTransport):
    """Blocking."""

    def __init__(self, connection: Connection, inner: Callable[[], httpx2.BaseTransport]) -> None:
        """
        Args:
            inner: makes what sends. A process that was forked off makes its own: two may not share its connections.
        """
        self._connection = connection
        self._make = inner
        self._made = {os.getpid(): inner()}

    @property
    def _inner(self) -> httpx2.BaseTransport:
        own = os.getpid()
        if own not in self._made:
            self._made[own] = self._make()
        return self._made[own]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if not asks_a_model(request, self._connection):
            # Nothing is recorded of it, and it is stopped all the same: a file that is uploaded leaves the building.
            require_going()
            return self._inner.handle_request(request)
        request.read()
        request, asked = read(request, self._connection)
        with saying_why(asked):
            call = open_call(prepared(asked, self._connection))
        sent = Sent(asked, call)
        try:
            # In flight until the answer begins: whoever asked may read it as slowly as they like.
            with leave(call, policy_of(call).deadline):
                response = self._inner.handle_request(request)
        except BaseException as error:
            end(sent.failed(error))
            raise
        heard_by(call)(response.headers)
        sent.answered(response)
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = Teed(response.stream, sent)
        return response

    def close(self) -> None:
        self._inner.close()


class AsyncRecordingTransport(httpx2.AsyncBaseTransport):
    """On an event loop."""

    def __init__(self, connection: Connection, inner: httpx2.AsyncBaseTransport) -> None:
        self._connection = connection
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not asks_a_model(request, self._connection):
            await sync_to_async(require_going)()
            return await self._inner.handle_async_request(request)
        await request.aread()
        request, asked = read(request, self._connection)
        with saying_why(asked):
            call = await aopen(lambda: prepared(asked, self._connection))
        sent = Sent(asked, call)
        try:
            async with aleave(call, policy_of(call).deadline):
                response = await self._inner.handle_async_request(request)
        except BaseException as error:
            await aend(sent.failed(error))
            raise
        heard_by(call)(response.headers)
        sent.answered(response)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = AsyncTeed(response.stream, sent)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()
