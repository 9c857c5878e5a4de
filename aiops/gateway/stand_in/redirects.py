"""Answers that send the client elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.replies import Reply


@dataclass(frozen=True)
class Redirect(Reply):
    """Another address, which a client must not follow with its key: `to` may be the `base_url` of a second stand-in."""

    to: str = "http://127.0.0.1:9/v1"
    """By itself a port where nobody listens."""

    status: int = 307
    """301 and 302 turn a POST into a GET; 307 and 308 send the body along."""

    async def send(self, exchange: Exchange) -> None:
        await exchange.whole(b"", status=self.status, headers={"Location": self.to})
