"""The instrumented clients: one a process and connection, one an event loop and connection."""

from __future__ import annotations

import os
from typing import Any

import httpx2
import openai

from aiops.client.sdk.recorded import AsyncRecordingTransport, RecordingTransport
from aiops.execution.errors import REFUSALS
from aiops.gateway.clients import client_for, kept_by_loop
from aiops.gateway.connections import Connection, get_connection
from aiops.gateway.errors import GatewayError
from aiops.gateway.in_process import transport_for

_sync: dict[tuple[int, Connection], openai.OpenAI] = {}


def sync_sdk(alias: str) -> openai.OpenAI:
    """This process's instrumented client for a connection.

    Raises:
        ConnectionProblem: there is no such connection, or it has no key.
    """
    connection = get_connection(alias)
    key = (os.getpid(), connection)
    if key not in _sync:
        transport = RecordingTransport(connection, transport_for(connection) or httpx2.HTTPTransport())
        http = openai.DefaultHttpx2Client(transport=transport)
        _sync[key] = client_for(connection, RecordedOpenAI, RecordedAzureOpenAI, http)
    return _sync[key]


def async_sdk(alias: str) -> openai.AsyncOpenAI:
    """The running event loop's instrumented client for a connection.

    Raises:
        ConnectionProblem: there is no such connection, or it has no key.
    """
    connection = get_connection(alias)

    def build() -> openai.AsyncOpenAI:
        transport = AsyncRecordingTransport(connection, transport_for(connection) or httpx2.AsyncHTTPTransport())
        http = openai.DefaultAsyncHttpx2Client(transport=transport)
        made: openai.AsyncOpenAI = client_for(connection, RecordedAsyncOpenAI, RecordedAsyncAzureOpenAI, http)
        return made

    return kept_by_loop(("sdk", connection), build)


class _Recorded:
    """The SDK takes every exception below it for a broken connection: a refusal of ours comes out as itself."""

    def request(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().request(*args, **kwargs)  # type: ignore[misc]
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, (*REFUSALS, GatewayError)):
                raise error.__cause__ from None
            raise


class _AsyncRecorded:
    """As `_Recorded`, awaited."""

    async def request(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().request(*args, **kwargs)  # type: ignore[misc]
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, (*REFUSALS, GatewayError)):
                raise error.__cause__ from None
            raise


class RecordedOpenAI(_Recorded, openai.OpenAI):
    pass


class RecordedAzureOpenAI(_Recorded, openai.AzureOpenAI):
    pass


class RecordedAsyncOpenAI(_AsyncRecorded, openai.AsyncOpenAI):
    pass


class RecordedAsyncAzureOpenAI(_AsyncRecorded, openai.AsyncAzureOpenAI):
    pass
