"""Transports that stand between the SDK and the network, and make a call of each request for one."""

from __future__ import annotations

import os
from collections.abc import Callable

import httpx2

from aiops.client.sdk.asked import read
from aiops.client.sdk.paths import asks_a_model
from aiops.client.sdk.sent import Sent, end, prepared, saying_why
from aiops.client.sdk.tee import AsyncTeed, Teed, aend
from aiops.execution.call import aopen, open_call
from aiops.gateway.connections import Connection


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
            return self._inner.handle_request(request)
        request.read()
        request, asked = read(request, self._connection)
        with saying_why(asked):
            sent = Sent(asked, open_call(prepared(asked, self._connection)))
        try:
            response = self._inner.handle_request(request)
        except BaseException as error:
            end(sent.failed(error))
            raise
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
            return await self._inner.handle_async_request(request)
        await request.aread()
        request, asked = read(request, self._connection)
        with saying_why(asked):
            sent = Sent(asked, await aopen(lambda: prepared(asked, self._connection)))
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException as error:
            await aend(sent.failed(error))
            raise
        sent.answered(response)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = AsyncTeed(response.stream, sent)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()
