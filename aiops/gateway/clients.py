"""The SDK's clients: one a process, event loop and connection. Building one costs 20 ms; a fork must not share one."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
from openai import DefaultAioHttpClient, DefaultAsyncHttpx2Client, DefaultHttpx2Client

from aiops.gateway.bounds import UNCOMPRESSED, abound, bound, note_sent
from aiops.gateway.connections import Connection
from aiops.gateway.in_process import transport_for

_sync: dict[tuple[int, Hashable], openai.OpenAI] = {}
_async: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop] = weakref.WeakKeyDictionary()


@dataclass(slots=True)
class _OfLoop:
    """The clients of one event loop, and the generator that closes them when the loop ends."""

    clients: dict[Hashable, openai.AsyncOpenAI]
    closer: AsyncGenerator[None]


def sync_client(connection: Connection) -> openai.OpenAI:
    """This process's client for a connection.

    Raises:
        MissingKey: the connection needs a key and has none.
    """
    return kept_by_process(connection, lambda: new_sync_client(connection))


def new_sync_client(connection: Connection) -> openai.OpenAI:
    """A client for a connection that nobody else has: whoever asks for it closes it.

    Raises:
        MissingKey: the connection needs a key and has none.
    """
    http = DefaultHttpx2Client(
        event_hooks={"request": [note_sent], "response": [bound]},
        timeout=_timeout(connection),
        transport=transport_for(connection),
    )
    made: openai.OpenAI = client_for(connection, openai.OpenAI, openai.AzureOpenAI, http)
    return made


def kept_by_process(key: Hashable, build: Callable[[], openai.OpenAI]) -> openai.OpenAI:
    """This process's client of that key, built where there is none."""
    own = (os.getpid(), key)
    found = _sync.get(own)
    if found is None:
        made = build()
        # No lock, which a fork could leave shut for ever: of two threads that build one, the first to be done wins.
        found = _sync.setdefault(own, made)
        if found is not made:
            made.close()
    return found


async def async_client(connection: Connection) -> openai.AsyncOpenAI:
    """The running event loop's client for a connection, on aiohttp, which stays quick with many requests in flight.

    Raises:
        MissingKey: the connection needs a key and has none.
    """

    def build() -> openai.AsyncOpenAI:
        options: dict[str, Any] = {"event_hooks": {"response": [abound]}, "timeout": _timeout(connection)}
        within = transport_for(connection)
        if within is None:
            # 0 is no limit to aiohttp, None would be its own 100: how many fly is the caller's business.
            options["limits"] = httpx2.Limits(max_connections=0, max_keepalive_connections=None)
            http: httpx2.AsyncClient = DefaultAioHttpClient(**options)
        else:
            http = DefaultAsyncHttpx2Client(transport=within, **options)
        made: openai.AsyncOpenAI = client_for(connection, openai.AsyncOpenAI, openai.AsyncAzureOpenAI, http)
        return made

    return kept_by_loop(connection, build)


def kept_by_loop(key: Hashable, build: Callable[[], openai.AsyncOpenAI]) -> openai.AsyncOpenAI:
    """The running event loop's client of that key, built where there is none, and closed when the loop ends."""
    loop = asyncio.get_running_loop()
    if loop not in _async:
        clients: dict[Hashable, openai.AsyncOpenAI] = {}
        _async[loop] = _OfLoop(clients, _close_with_loop(clients))
        # Its first step, which awaits nothing, makes it known to the loop.
        with suppress(StopIteration):
            _async[loop].closer.__anext__().send(None)
    clients = _async[loop].clients
    if key not in clients:
        clients[key] = build()
    return clients[key]


async def _close_with_loop(clients: dict[Hashable, openai.AsyncOpenAI]) -> AsyncGenerator[None]:
    """`asyncio.run` and every server end their open generators before they end the loop: the only hook there is."""
    try:
        yield
    finally:
        for client in clients.values():
            await client.close()
        clients.clear()


def close_sync_clients() -> None:
    """Close this process's clients; the next call makes new ones."""
    for key in [key for key in _sync if key[0] == os.getpid()]:
        _sync.pop(key).close()


async def close_async_clients() -> None:
    """Close the running event loop's clients; the next call makes new ones."""
    of_loop = _async.pop(asyncio.get_running_loop(), None)
    if of_loop:
        await of_loop.closer.aclose()


def client_for(connection: Connection, plain: Any, azure: Any, http: Any) -> Any:
    """A client of the SDK.

    Args:
        plain: its class; for a connection to Azure's dated interface, `azure` is.
        http: what it sends with.

    Raises:
        MissingKey: the connection needs a key and has none.
    """
    connection.require_key()
    # What customers wrote, and the key, go to the address in the settings and to no other.
    http.follow_redirects = False
    options: dict[str, Any] = {
        # The SDK wants some text even where the server wants none.
        "api_key": connection.api_key or "no-key-needed",
        # Each attempt must be recorded and held for, so the SDK itself may never send twice.
        "max_retries": 0,
        "timeout": _timeout(connection),
        "default_headers": UNCOMPRESSED,
        "http_client": http,
    }
    if connection.azure_endpoint and connection.api_version:
        return azure(
            azure_endpoint=connection.azure_endpoint,
            azure_deployment=connection.azure_deployment or None,
            api_version=connection.api_version,
            **options,
        )
    return plain(base_url=connection.base_url, **options)


def _timeout(connection: Connection) -> httpx2.Timeout:
    return httpx2.Timeout(connection.deadline, connect=connection.connect_timeout)
