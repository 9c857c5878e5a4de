"""One attempt whose answer comes piece by piece. No retry, no record, no money in here."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import Any

import aiohttp
import httpx2
import openai

from aiops.gateway.clients import async_client, sync_client
from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.dialects import Facts, Request, chat, responses
from aiops.gateway.dialects.chat_events import ChatEvents
from aiops.gateway.dialects.reading import RAW_KEPT, malformed
from aiops.gateway.dialects.responses_events import ResponseEvents
from aiops.gateway.errors import GatewayError, Interrupted
from aiops.gateway.plain_text import storable
from aiops.gateway.send import Heard, facts_of
from aiops.gateway.translate import error_of, error_said

BROKEN = (TypeError, LookupError, AttributeError, ValueError, RecursionError)
"""What reading an event that is none can raise; a line that is no JSON among them."""


def stream(
    request: Request, connection: Connection, *, timeout: float, heard: Heard | None = None
) -> Generator[str | Completion, None, None]:
    """Ask once, blocking: gives the text as it comes, and then the whole answer.

    Args:
        timeout: seconds that all of it may take.
        heard: told the headers of the answer.

    Raises:
        GatewayError: also after some of the text; `.raw` has what came until then.
    """
    client = sync_client(connection)
    reader = _Reader(request, connection, heard)
    limit = httpx2.Timeout(timeout, connect=min(timeout, connection.connect_timeout))
    try:
        events = client.post(**reader.asked, options={"timeout": limit}, stream_cls=openai.Stream[Any])
        with events:
            reader.begun(events.response)
            for event in events:
                if text := reader.feed(event):
                    yield text
    except _FAULTS as error:
        raise reader.error(error) from error
    yield reader.completion()


async def astream(
    request: Request, connection: Connection, *, timeout: float, heard: Heard | None = None
) -> AsyncGenerator[str | Completion]:
    """As `stream`, without blocking the event loop.

    Raises:
        GatewayError: as there.
    """
    until = asyncio.get_running_loop().time() + timeout
    client = await async_client(connection)
    reader = _Reader(request, connection, heard)
    try:
        async with asyncio.timeout_at(until):
            events = await client.post(**reader.asked, stream_cls=openai.AsyncStream[Any])
        async with events:
            reader.begun(events.response)
            following = aiter(events)
            while True:
                # Around each piece by itself: what the asker does between two of them is not the provider's time.
                async with asyncio.timeout_at(until):
                    event = await anext(following, None)
                if event is None:
                    break
                if text := reader.feed(event):
                    yield text
    except _FAULTS as error:
        raise reader.error(error) from error
    yield reader.completion()


class _Reader:
    """The same for both drivers: what is asked, what came so far, and what is made of it in the end."""

    def __init__(self, request: Request, connection: Connection, heard: Heard | None) -> None:
        by_chat = connection.api == "chat"
        sending = (chat if by_chat else responses).sending_of(request, connection, stream=True)
        self.asked: dict[str, Any] = {
            "path": sending.path,
            "body": sending.body,
            "cast_to": object,
            "stream": True,
        }
        self._what = chat.WHAT if by_chat else responses.WHAT
        self._events: ChatEvents | ResponseEvents = ChatEvents() if by_chat else ResponseEvents()
        self._heard = heard
        self._started = time.perf_counter()
        self._response: httpx2.Response | None = None
        self._text: list[str] = []

    def begun(self, response: httpx2.Response) -> None:
        """The headers are there."""
        self._response = response
        if self._heard is not None:
            self._heard(response.headers)

    def feed(self, event: Any) -> str:
        """Take an event in; gives the text that it adds."""
        if not isinstance(event, Mapping):
            raise TypeError(event)
        if event.get("type") == "error":
            raise error_said(event, self._facts())
        text = storable(self._events.feed(event))
        self._text.append(text)
        return text

    def completion(self) -> Completion:
        """The whole answer.

        Raises:
            GatewayError: it may not be passed on, or there is none.
        """
        if not self._events.ended:
            raise Interrupted("The answer broke off before its end.", raw=self._raw())
        try:
            return self._events.completion(self._facts())
        except BROKEN as error:
            raise malformed(json.dumps(self._text).encode(), self._facts(), self._what) from error

    def error(self, error: Exception) -> GatewayError:
        """What went wrong, with what had come by then."""
        found = self._translated(error)
        found.raw = found.raw or self._raw()
        return found

    def _translated(self, error: Exception) -> GatewayError:
        if isinstance(error, GatewayError):
            return error
        if isinstance(error, openai.APIStatusError | openai.APIConnectionError):
            return error_of(error)
        if isinstance(error, openai.APIError):
            return error_said({"error": error.body}, self._facts())
        if isinstance(error, openai.OpenAIError):
            return error_of(error)
        if isinstance(error, TimeoutError):
            return Interrupted("The provider did not answer in time.")
        if isinstance(error, aiohttp.ClientError | httpx2.HTTPError):
            return Interrupted("The connection broke before the answer was complete.")
        return malformed(json.dumps(self._text).encode(), self._facts(), self._what)

    def _raw(self) -> str:
        return "".join(self._text)[:RAW_KEPT]

    def _facts(self) -> Facts:
        return facts_of(self._response, self._started) if self._response is not None else Facts()


_FAULTS = (openai.OpenAIError, GatewayError, TimeoutError, aiohttp.ClientError, httpx2.HTTPError, *BROKEN)
