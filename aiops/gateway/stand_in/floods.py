"""Bodies without measure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from aiops.gateway.stand_in.exchange import EVENTS, Exchange
from aiops.gateway.stand_in.operation import JSON
from aiops.gateway.stand_in.replies import Reply


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
        gzip = zlib.compressobj(wbits=31) if self.compressed else None
        first = b"data: " if exchange.streamed else b""
        left = self.size
        while left > 0:
            block = (first + b" " * (1 << 18))[: min(left, 1 << 18)]
            first = b""
            left -= len(block)
            packed = gzip.compress(block) if gzip else block
            if packed:
                await exchange.piece(packed)
            # A client that reads as fast as we write would never let the others have their turn.
            await exchange.pause(0)
        if gzip:
            await exchange.piece(gzip.flush())
        await exchange.end()
