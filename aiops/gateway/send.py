"""One attempt: send a request over a connection and read the answer. No retry, no record, no money in here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import httpx2
import openai

from aiops.failpoints import failpoint
from aiops.gateway.bounds import FIRST_BYTE
from aiops.gateway.clients import async_client, sync_client
from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.dialects import AnyRequest, Facts, Sending, dialect_of
from aiops.gateway.errors import Interrupted
from aiops.gateway.translate import error_of

FORM = {"Content-Type": "multipart/form-data"}


Heard = Callable[[Mapping[str, str]], object]
"""Told the headers of every answer: they say what the provider lets through."""


def send(request: AnyRequest, connection: Connection, *, timeout: float, heard: Heard | None = None) -> Completion:
    """Ask once, blocking.

    Args:
        timeout: seconds that this attempt may take.
        heard: told the headers of the answer.

    Raises:
        GatewayError: with what went wrong, whether trying again may help and whether it may be billed.
    """
    client = sync_client(connection)
    dialect = dialect_of(request, connection)
    sending = dialect.sending_of(request, connection)
    limit = httpx2.Timeout(timeout, connect=min(timeout, connection.connect_timeout))
    started = time.perf_counter()
    try:
        response = client.post(sending.path, cast_to=httpx2.Response, **said(sending, timeout=limit))
    except openai.OpenAIError as error:
        raise error_of(error) from error
    if heard is not None:
        heard(response.headers)
    return dialect.completion_of(response.content, facts_of(response, started))


async def asend(
    request: AnyRequest, connection: Connection, *, timeout: float, heard: Heard | None = None
) -> Completion:
    """Ask once, without blocking the event loop. As `send`; the time limit holds for the whole attempt.

    Raises:
        GatewayError: as `send`.
    """
    client = await async_client(connection)
    dialect = dialect_of(request, connection)
    sending = dialect.sending_of(request, connection)
    started = time.perf_counter()
    try:
        failpoint("send.posting")
        async with asyncio.timeout(timeout):
            # Raw, since typed parsing costs as much as all of the rest together.
            response = await client.post(sending.path, cast_to=httpx2.Response, **said(sending))
    except openai.OpenAIError as error:
        raise error_of(error) from error
    except TimeoutError as error:
        raise Interrupted("The provider did not answer in time.") from error
    except aiohttp.ClientError as error:
        # What the SDK's transport lets through: HTTP that cannot be read.
        raise Interrupted("The provider's answer cannot be read.") from error
    failpoint("send.answered")
    if heard is not None:
        heard(response.headers)
    return dialect.completion_of(response.content, facts_of(response, started))


def said(sending: Sending, **options: Any) -> dict[str, Any]:
    """A sending as the arguments of the SDK's `post`."""
    if sending.files:
        options["headers"] = FORM
        return {"body": sending.body, "files": list(sending.files), "options": options}
    return {"body": sending.body, "options": options} if options else {"body": sending.body}


def facts_of(response: httpx2.Response, started: float) -> Facts:
    """What is known of an answer beside its content."""
    first_byte = response.extensions.get(FIRST_BYTE)
    return Facts(
        request_id=response.headers.get("x-request-id", "")[:128],
        content_type=response.headers.get("content-type", ""),
        first_byte_ms=round((first_byte - started) * 1000) if first_byte else None,
        total_ms=round((time.perf_counter() - started) * 1000),
    )
