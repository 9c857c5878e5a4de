"""How much of an answer is read, and until when: hooks that see an answer before its body is read."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import httpx2

from aiops.gateway.errors import Interrupted, Malformed

MOST_BYTES = 16 * 1024 * 1024
"""Of one body. The longest answers of today's models come to about a megabyte."""

UNCOMPRESSED = {"Accept-Encoding": "identity"}
"""Asked for with every request: an answer is a few kilobytes, and a compressed one could be a bomb."""

FIRST_BYTE = "aiops_first_byte"
"""Key in an answer's extensions: `time.perf_counter()` when its headers arrived."""

SENT = "aiops_sent"
"""Key in a request's extensions: `time.perf_counter()` when it left."""


def note_sent(request: httpx2.Request) -> None:
    """Hook of the blocking client, called before a request leaves."""
    request.extensions[SENT] = time.perf_counter()


def bound(response: httpx2.Response) -> None:
    """Hook of the blocking client, called when the headers of an answer are there.

    The time limit holds for the whole body; the client's own begins anew with every byte.

    Raises:
        Malformed: the answer is compressed, or says that it is too large.
    """
    _note(response)
    if isinstance(response.stream, httpx2.SyncByteStream):
        until = response.request.extensions[SENT] + response.request.extensions["timeout"]["read"]
        response.stream = _Bounded(response.stream, until)


async def abound(response: httpx2.Response) -> None:
    """As `bound`, for the client on an event loop, where whoever sends sets the time limit."""
    _note(response)
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _AsyncBounded(response.stream)


def _note(response: httpx2.Response) -> None:
    response.extensions[FIRST_BYTE] = time.perf_counter()
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Malformed("The provider's answer is compressed, which was not asked for.", status=response.status_code)
    if int(response.headers.get("content-length", 0)) > MOST_BYTES:
        raise _too_large()


def _too_large() -> Malformed:
    return Malformed(f"The provider's answer is larger than {MOST_BYTES >> 20} MiB; it was not read to its end.")


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, until: float) -> None:
        self.stream = stream
        self.until = until

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self.stream:
            size += len(piece)
            if size > MOST_BYTES:
                raise _too_large()
            if time.perf_counter() > self.until:
                raise Interrupted("The provider did not answer in time.")
            yield piece

    def close(self) -> None:
        self.stream.close()


class _AsyncBounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self.stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self.stream:
            size += len(piece)
            if size > MOST_BYTES:
                raise _too_large()
            yield piece

    async def aclose(self) -> None:
        await self.stream.aclose()
