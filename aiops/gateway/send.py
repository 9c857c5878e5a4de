"""One attempt: send a request over a connection and read the answer. No retry, no record, no money in here."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import httpx2
import openai

from aiops.gateway import chat
from aiops.gateway.bounds import FIRST_BYTE
from aiops.gateway.clients import async_client, sync_client
from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.errors import Interrupted
from aiops.gateway.request import Request
from aiops.gateway.translate import error_of


def send(request: Request, connection: Connection, *, timeout: float) -> Completion:
    """Ask once, blocking.

    Args:
        timeout: seconds that this attempt may take.

    Raises:
        GatewayError: with what went wrong, whether trying again may help and whether it may be billed.
    """
    client = sync_client(connection)
    started = time.perf_counter()
    try:
        response = client.post(
            chat.PATH,
            body=chat.body_of(request, connection),
            cast_to=httpx2.Response,
            options={"timeout": httpx2.Timeout(timeout, connect=min(timeout, connection.connect_timeout))},
        )
    except openai.OpenAIError as error:
        raise error_of(error) from error
    return _completion(response, started)


async def asend(request: Request, connection: Connection, *, timeout: float) -> Completion:
    """Ask once, without blocking the event loop. As `send`; the time limit holds for the whole attempt.

    Raises:
        GatewayError: as `send`.
    """
    client = await async_client(connection)
    started = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            # Raw, since typed parsing costs as much as all of the rest together.
            response = await client.post(chat.PATH, body=chat.body_of(request, connection), cast_to=httpx2.Response)
    except openai.OpenAIError as error:
        raise error_of(error) from error
    except TimeoutError as error:
        raise Interrupted("The provider did not answer in time.") from error
    except aiohttp.ClientError as error:
        # What the SDK's transport lets through: HTTP that cannot be read.
        raise Interrupted("The provider's answer cannot be read.") from error
    return _completion(response, started)


def _completion(response: httpx2.Response, started: float) -> Completion:
    first_byte = response.extensions.get(FIRST_BYTE)
    return chat.completion_of(
        response.content,
        request_id=response.headers.get("x-request-id", "")[:128],
        first_byte_ms=round((first_byte - started) * 1000) if first_byte else None,
        total_ms=round((time.perf_counter() - started) * 1000),
    )
