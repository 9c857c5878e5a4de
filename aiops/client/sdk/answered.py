"""What came back to the SDK, read for the log: whole, or as the events of a stream."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
from openai._streaming import SSEDecoder

from aiops.client.sdk.asked import OPERATIONS, SdkRequest
from aiops.execution.prepare import Prepared
from aiops.gateway.completion import Completion
from aiops.gateway.dialects import Facts, responses
from aiops.gateway.dialects.chat_events import ChatEvents
from aiops.gateway.dialects.reading import malformed
from aiops.gateway.dialects.responses_events import ResponseEvents
from aiops.gateway.errors import Interrupted
from aiops.gateway.stream import BROKEN
from aiops.gateway.translate import error_of_status, error_said


def answer_in(prepared: Prepared, response: httpx2.Response, content: bytes, facts: Facts) -> Completion:
    """The answer as the log keeps it.

    Raises:
        GatewayError: it is none, or may not be passed on; whoever asked with the SDK sees it all the same.
    """
    request = prepared.request
    if not isinstance(request, SdkRequest):
        raise TypeError(request)
    if response.status_code >= 400:
        raise error_of_status(response.status_code, content.decode(errors="replace"), response.headers)
    if facts.content_type.startswith("text/event-stream"):
        return _of_events(request, content, facts)
    known = OPERATIONS.get(request.path)
    if known is None:
        # Nobody here can read it: what it holds is between the SDK and whoever asked.
        return Completion(
            text="",
            model=request.model,
            finish_reason="stop",
            request_id=facts.request_id,
            first_byte_ms=facts.first_byte_ms,
            total_ms=facts.total_ms,
        )
    return known[1].completion_of(content, facts)


def _of_events(request: SdkRequest, content: bytes, facts: Facts) -> Completion:
    events: ChatEvents | ResponseEvents = ResponseEvents() if request.path == responses.PATH else ChatEvents()
    try:
        for event in _events(content):
            if event.get("type") == "error" or event.get("error"):
                raise error_said(event, facts)
            events.feed(event)
        if events.ended:
            return events.completion(facts)
    except BROKEN as error:
        raise malformed(content, facts, "stream of events") from error
    raise Interrupted("The answer broke off before its end.", raw=content[:10_000].decode(errors="replace"))


def _events(content: bytes) -> Iterator[dict[str, object]]:
    for event in SSEDecoder().iter_bytes(iter([content])):
        if event.data.startswith("[DONE]"):
            return
        yield event.json()
