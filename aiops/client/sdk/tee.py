"""The body of an answer: read by whoever asked, and noted on the way. A piece is passed on as soon as it is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx2

from aiops.client.sdk.sent import Sent, aend, end
from aiops.execution.ask import Ended


class Teed(httpx2.SyncByteStream):
    """Blocking."""

    def __init__(self, stream: httpx2.SyncByteStream, sent: Sent) -> None:
        self._stream = stream
        self._sent = sent
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._stream:
                if not self._sent.take(piece):
                    break
                if self._sent.is_done and not self._ended:
                    # The SDK leaves at this event, and what it left is closed some time later.
                    self._settle(self._sent.read_to_its_end())
                yield piece
        except GeneratorExit:
            # `close` follows, and settles it.
            raise
        except BaseException as error:
            if not self._ended:
                self._settle(self._sent.failed(error))
            raise
        if not self._ended:
            self._settle(self._sent.read_to_its_end())

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            if not self._ended:
                self._settle(self._sent.left())

    def _settle(self, ended: Ended) -> None:
        self._ended = True
        end(ended)


class AsyncTeed(httpx2.AsyncByteStream):
    """On an event loop."""

    def __init__(self, stream: httpx2.AsyncByteStream, sent: Sent) -> None:
        self._stream = stream
        self._sent = sent
        self._ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                if not self._sent.take(piece):
                    break
                if self._sent.is_done and not self._ended:
                    # The SDK leaves at this event, and what it left is closed some time later.
                    await self._settle(self._sent.read_to_its_end())
                yield piece
        except GeneratorExit:
            # `aclose` follows, and settles it.
            raise
        except BaseException as error:
            if not self._ended:
                await self._settle(self._sent.failed(error))
            raise
        if not self._ended:
            await self._settle(self._sent.read_to_its_end())

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            if not self._ended:
                await self._settle(self._sent.left())

    async def _settle(self, ended: Ended) -> None:
        self._ended = True
        await aend(ended)
