"""An answer on its way over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web


class HttpWire:
    """A `Wire` of one request of aiohttp's server."""

    def __init__(self, request: web.BaseRequest) -> None:
        self.response: web.StreamResponse | None = None
        self._request = request

    @property
    def begun(self) -> bool:
        return self.response is not None

    @property
    def gone(self) -> bool:
        """Whether there is nobody left to answer."""
        transport = self._request.transport
        return transport is None or transport.is_closing()

    async def whole(self, body: bytes, *, status: int, headers: Mapping[str, str]) -> None:
        self.response = web.Response(body=body, status=status, headers=headers)
        await self.response.prepare(self._request)
        await self.response.write_eof()

    async def begin(self, *, status: int, headers: Mapping[str, str], length: int | None) -> None:
        self.response = web.StreamResponse(status=status, headers=headers)
        self.response.content_length = length
        await self.response.prepare(self._request)

    async def piece(self, data: bytes) -> None:
        await self._begun().write(data)

    async def end(self) -> None:
        await self._begun().write_eof()

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def stall(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            if self.gone:
                raise ConnectionResetError("The client has gone.")
            await asyncio.sleep(min(left, 0.25))

    def half_close(self) -> None:
        if self._request.transport is not None:
            self._request.transport.write_eof()

    def hang_up(self) -> None:
        if self._request.transport is not None:
            self._request.transport.close()

    def _begun(self) -> web.StreamResponse:
        if self.response is None:
            raise RuntimeError("Call begin() first: the headers of this answer have not been sent.")
        return self.response
