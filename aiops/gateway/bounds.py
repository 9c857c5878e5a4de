"""How much of an answer is read, and until when: hooks that see an answer before its body is read."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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


_most_bytes: ContextVar[int] = ContextVar("aiops_most_bytes", default=MOST_BYTES)


@contextmanager
def reading_at_most(size: int) -> Iterator[None]:
    """Requests that are sent within may be answered by so many bytes: a file is larger than what a model says."""
    token = _most_bytes.set(size)
    try:
        yield
    finally:
        _most_bytes.reset(token)


def note_sent(request: httpx2.Request) -> None:
    """Hook of the blocking client, called before a request leaves."""
    request.extensions[SENT] = time.perf_counter()


def bound(response: httpx2.Response) -> None:
    """Hook of the blocking client, called when the headers of an answer are there.

    The time limit holds for the whole body; the client's own begins anew with every byte.

    Raises:
        Malformed: the answer is compressed, or says that it is too large. An error is none the less told by its status.
    """
    most = _most(response)
    if isinstance(response.stream, httpx2.SyncByteStream):
        until = response.request.extensions[SENT] + response.request.extensions["timeout"]["read"]
        response.stream = _Bounded(response.stream, most, until, strict=response.is_success)


async def abound(response: httpx2.Response) -> None:
    """As `bound`, for the client on an event loop, where whoever sends sets the time limit."""
    most = _most(response)
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _AsyncBounded(response.stream, most, strict=response.is_success)


def _most(response: httpx2.Response) -> int:
    """How many bytes of a body may be read."""
    response.extensions[FIRST_BYTE] = time.perf_counter()
    headers = response.headers
    compressed = headers.get("content-encoding", "").lower() not in ("", "identity")
    length = headers.get("content-length", "")
    if response.is_success:
        if compressed:
            raise Malformed(
                "The provider's answer is compressed, which was not asked for.", status=response.status_code
            )
        most = _most_bytes.get()
        if length.isdecimal() and int(length) > most:
            raise _too_large(most)
        return most
    if compressed:
        del headers["content-encoding"]
        return 0
    return MOST_BYTES


def _too_large(most: int) -> Malformed:
    size = f"{most >> 20} MiB" if most >= 1 << 20 else f"{most:,} bytes"
    return Malformed(f"The provider's answer is larger than {size}; it was not read to its end.")


class _Bounded(httpx2.SyncByteStream):
    """A body that ends at its bound: with an error where it is an answer (`strict`), else just so."""

    def __init__(self, stream: httpx2.SyncByteStream, most: int, until: float, *, strict: bool) -> None:
        self.stream = stream
        self.most = most
        self.until = until
        self.strict = strict

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self.stream:
            size += len(piece)
            if size > self.most:
                if self.strict:
                    raise _too_large(self.most)
                return
            if time.perf_counter() > self.until:
                raise Interrupted("The provider did not answer in time.")
            yield piece

    def close(self) -> None:
        self.stream.close()


class _AsyncBounded(httpx2.AsyncByteStream):
    """As `_Bounded`, without a time limit of its own."""

    def __init__(self, stream: httpx2.AsyncByteStream, most: int, *, strict: bool) -> None:
        self.stream = stream
        self.most = most
        self.strict = strict

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self.stream:
            size += len(piece)
            if size > self.most:
                if self.strict:
                    raise _too_large(self.most)
                return
            yield piece

    async def aclose(self) -> None:
        await self.stream.aclose()
