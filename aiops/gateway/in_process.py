"""Addresses that lead to no network: whoever answers there does so within this process. For tests of the shop's code.

A host that ends in `.in-process.invalid` is asked of nobody else: the name is kept free for ever, so where nobody
answers, nothing can leave.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

import httpx2

from aiops.gateway.connection import Connection

ENDING = ".in-process.invalid"


class Answerer(Protocol):
    """Whoever answers."""

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Blocking; the request has been read. Raises what a transport of the network would."""

    async def aanswer(self, request: httpx2.Request) -> httpx2.Response:
        """As `answer`, on an event loop."""


_answerers: dict[str, list[Answerer]] = {}


def answer_at(host: str, answerer: Answerer) -> None:
    """Let somebody answer at a host, instead of whoever did so before.

    Raises:
        ValueError: the host is one of the network.
    """
    if not host.endswith(ENDING):
        raise ValueError(f"{host} is a host of the network: take one that ends in {ENDING}.")
    _answerers.setdefault(host, []).append(answerer)


def withdraw(host: str, answerer: Answerer) -> None:
    """Let whoever did so before answer again."""
    _answerers[host].remove(answerer)


def transport_for(connection: Connection) -> InProcessTransport | None:
    """What a connection's clients send with; None where its address is one of the network."""
    host = urlsplit(connection.base_url).hostname or ""
    return InProcessTransport() if host.endswith(ENDING) else None


class InProcessTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Looks up who answers with each request, so that clients may be kept from one test to the next."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        return _answerer(request).answer(request)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        return await _answerer(request).aanswer(request)


def _answerer(request: httpx2.Request) -> Answerer:
    found = _answerers.get(request.url.host)
    if not found:
        raise httpx2.ConnectError("Nobody answers here any more.", request=request)
    return found[-1]
