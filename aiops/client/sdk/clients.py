"""The instrumented clients: one a process and connection, one an event loop and connection."""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx2
import openai

from aiops.client.sdk.transports import AsyncRecordingTransport, RecordingTransport
from aiops.gateway.clients import client_for, kept_by_loop, kept_by_process
from aiops.gateway.connections import Connection, get_connection
from aiops.gateway.in_process import transport_for


def sync_sdk(alias: str) -> openai.OpenAI:
    """This process's instrumented client for a connection.

    Raises:
        ConnectionProblem: there is no such connection, or it has no key.
    """
    connection = get_connection(alias)
    # Before anything is built that would have to be closed.
    connection.require_key()

    def build() -> openai.OpenAI:
        http = _recording(connection)
        made: openai.OpenAI = client_for(connection, openai.OpenAI, openai.AzureOpenAI, http)
        return made

    return kept_by_process(("sdk", connection), build)


def async_sdk(alias: str) -> openai.AsyncOpenAI:
    """The running event loop's instrumented client for a connection.

    Raises:
        ConnectionProblem: there is no such connection, or it has no key.
    """
    connection = get_connection(alias)
    connection.require_key()

    def build() -> openai.AsyncOpenAI:
        http = _recording_async(connection)
        made: openai.AsyncOpenAI = client_for(connection, openai.AsyncOpenAI, openai.AsyncAzureOpenAI, http)
        return made

    return kept_by_loop(("sdk", connection), build)


# The SDK's own HTTP client, with its limits and the proxies of the environment; each of its ways out is wrapped where
# it is: one that is given a transport instead would know neither.


def _recording(connection: Connection) -> httpx2.Client:
    within = transport_for(connection)
    if within is not None:
        return openai.DefaultHttpx2Client(transport=RecordingTransport(connection, lambda: within))
    http: Any = openai.DefaultHttpx2Client()
    http._transport = RecordingTransport(connection, _again(http._transport, None))
    http._mounts = {
        pattern: way and RecordingTransport(connection, _again(way, pattern)) for pattern, way in http._mounts.items()
    }
    made: httpx2.Client = http
    return made


def _again(first: httpx2.BaseTransport, pattern: Any) -> Any:
    """Gives that transport the first time, and then another of its kind each time."""
    left = [first]

    def transport() -> Any:
        if left:
            return left.pop()
        http: Any = openai.DefaultHttpx2Client()
        return http._transport if pattern is None else http._mounts[pattern]

    return transport


def _recording_async(connection: Connection) -> httpx2.AsyncClient:
    within = transport_for(connection)
    if within is not None:
        return openai.DefaultAsyncHttpx2Client(transport=AsyncRecordingTransport(connection, within))
    http: Any = openai.DefaultAsyncHttpx2Client()
    wrapped = partial(AsyncRecordingTransport, connection)
    http._transport = wrapped(http._transport)
    http._mounts = {pattern: way and wrapped(way) for pattern, way in http._mounts.items()}
    made: httpx2.AsyncClient = http
    return made
