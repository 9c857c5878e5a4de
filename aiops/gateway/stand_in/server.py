"""The provider behind an address of HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from aiops.gateway.stand_in.arriving import Arrived
from aiops.gateway.stand_in.http_wire import HttpWire
from aiops.gateway.stand_in.provider import Provider

LOOPBACK = "127.0.0.1"

TURNS = 5
"""Of an event loop, until a connection that it has accepted has its protocol; it takes three."""

_NO_QUERY: Mapping[str, str] = {}


class Server:
    """Lives in one event loop."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._http: web.Server | None = None
        self._listening: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Listen on loopback; gives the port.

        Raises:
            OSError: the port is taken.
        """
        self._http = web.Server(self._handle, access_log=None)
        self._listening = await asyncio.get_running_loop().create_server(self._http, LOOPBACK, port, backlog=1024)
        return int(self._listening.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and drop every connection, answered or not."""
        if self._listening is not None:
            # Accept no more, and close once what has been accepted has its protocol: the socket of a connection that
            # finds its server closed is forgotten by asyncio, and complains when it is collected.
            asyncio.get_running_loop().remove_reader(self._listening.sockets[0].fileno())
            for _ in range(TURNS):
                await asyncio.sleep(0)
            self._listening.close()
        if self._http is not None:
            self._http.pre_shutdown()
            await self._http.shutdown(timeout=0.05)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            content = await request.content.read()
        except (ConnectionError, web.RequestPayloadError):
            # It never arrived, so it is no request.
            return web.Response()
        arrived = Arrived(
            method=request.method,
            path=request.path,
            headers=request.headers,
            query=request.query if "?" in request.raw_path else _NO_QUERY,
            content=content,
        )
        wire = HttpWire(request)
        await self._provider.answer(arrived, wire)
        return wire.response or web.Response()
