"""Bodies without measure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from aiops.gateway.stand_in.exchange import EVENTS, Exchange
from aiops.gateway.stand_in.operation import JSON
from aiops.gateway.stand_in.replies import Reply

_BLANKS = b" " * (1 << 18)
_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Of a gzip file without a name or a date."""


@dataclass(frozen=True)
class Flood(Reply):
    """A body of so many bytes, which the server never holds as a whole; in a stream, an event without an end."""

    size: int
    compressed: bool = False
    """Send it gzipped: about a thousandth on the wire, all of it once it is opened."""

    status: int = 200

    async def send(self, exchange: Exchange) -> None:
        headers = {"Content-Encoding": "gzip"} if self.compressed else None
        await exchange.begin(EVENTS if exchange.streamed else JSON, status=self.status, headers=headers)
        first = b"data: "[: self.size] if exchange.streamed else b""
        for piece in self._packed(first) if self.compressed else self._plain(first):
            await exchange.piece(piece)
            # A client that reads as fast as we write would never let the others have their turn.
            await exchange.pause(0)
        await exchange.end()

    def _plain(self, first: bytes) -> Iterator[bytes]:
        yield first
        left = self.size - len(first)
        while left > 0:
            yield _BLANKS[:left]
            left -= len(_BLANKS)

    def _packed(self, first: bytes) -> Iterator[bytes]:
        """One gzip member. A block is packed once and sent again and again, so that a bomb costs the server little."""
        yield _HEAD + _stored(first)
        check = zlib.crc32(first)
        block = _deflated(_BLANKS)
        left = self.size - len(first)
        while left > 0:
            whole = left >= len(_BLANKS)
            yield block if whole else _deflated(_BLANKS[:left])
            check = zlib.crc32(_BLANKS[:left], check)
            left -= len(_BLANKS)
        yield zlib.compressobj(wbits=-15).flush() + struct.pack("<II", check, self.size % 2**32)


def _deflated(data: bytes) -> bytes:
    """A part of a deflate stream that looks back at nothing, so that it can stand anywhere in it."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)


def _stored(data: bytes) -> bytes:
    return _deflated(data) if data else b""
