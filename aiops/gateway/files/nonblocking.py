"""Files at a provider, without blocking the event loop. As `blocking`, whose functions say what they raise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai

from aiops.gateway.bounds import reading_at_most
from aiops.gateway.clients import async_client
from aiops.gateway.connections import Connection
from aiops.gateway.files.faults import translated
from aiops.gateway.files.told import FILES, Sending, ToldFile, deleted_in, options_of
from aiops.gateway.send import FORM


async def upload(sending: Sending, connection: Connection, *, timeout: float) -> ToldFile:
    """Send a file, in pieces."""
    file = ("file", (sending.name, sending.content, sending.content_type))
    options = options_of(connection, timeout, headers=FORM)
    client = await async_client(connection)
    with translated():
        async with asyncio.timeout(timeout):
            response = await client.post(
                FILES.path, cast_to=httpx2.Response, body=sending.form(), files=[file], options=options
            )
    return FILES.told_in(response)


async def delete(provider_id: str, connection: Connection, *, timeout: float) -> None:
    """Delete a file."""
    path = FILES.path_of(provider_id)
    client = await async_client(connection)
    with translated():
        async with asyncio.timeout(timeout):
            response = await client.delete(path, cast_to=httpx2.Response, options=options_of(connection, timeout))
    deleted_in(response)


async def download(
    provider_id: str, connection: Connection, *, most_bytes: int, timeout: float
) -> AsyncIterator[bytes]:
    """What is in a file, piece by piece."""
    until = asyncio.get_running_loop().time() + timeout
    path = FILES.path_of(provider_id, "/content")
    client = await async_client(connection)
    with translated():
        with reading_at_most(most_bytes):
            async with asyncio.timeout_at(until):
                opened = await client.get(
                    path,
                    cast_to=object,
                    options=options_of(connection, timeout),
                    stream=True,
                    stream_cls=openai.AsyncStream[Any],
                )
        try:
            pieces = opened.response.aiter_bytes()
            while True:
                # Around each piece by itself: what is done with one is not the provider's time.
                async with asyncio.timeout_at(until):
                    piece = await anext(pieces, None)
                if piece is None:
                    break
                yield piece
        finally:
            await opened.response.aclose()
