"""Where the shop's code gets the client."""

from __future__ import annotations

from functools import cache

import openai

from aiops.client.blocking import OpenAIClient
from aiops.client.nonblocking import AsyncOpenAIClient
from aiops.client.sdk import async_sdk
from aiops.gateway.clients import close_async_clients

_blocking = cache(OpenAIClient)
_nonblocking = cache(AsyncOpenAIClient)


def get_openai_client(connection: str = "default") -> OpenAIClient:
    """The client for a connection; the same each time, for all threads.

    Args:
        connection: alias in `AIOPS["CONNECTIONS"]`.
    """
    # However it is said, it is the same one: a cache tells an argument left out from one that says the same.
    return _blocking(connection)


def get_async_openai_client(connection: str = "default") -> AsyncOpenAIClient:
    """The client to be awaited; the same each time, for all event loops.

    Args:
        connection: alias in `AIOPS["CONNECTIONS"]`.
    """
    return _nonblocking(connection)


async def get_client(connection: str = "default") -> openai.AsyncOpenAI:
    """The SDK's own client for this event loop and connection, instrumented; one each, made once.

    Args:
        connection: alias in `AIOPS["CONNECTIONS"]`.

    Raises:
        ConnectionProblem: there is no such connection, or it has no key.
    """
    return async_sdk(connection)


async def close_client() -> None:
    """Close what this event loop has open to providers; its end does so anyway. The next call opens it anew."""
    await close_async_clients()
