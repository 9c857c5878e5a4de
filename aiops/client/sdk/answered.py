"""What came back to the SDK, read for the log: whole, or as the events of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import httpx2
from openai._streaming import SSEDecoder

from aiops.client.sdk.asked import SdkRequest
from aiops.client.sdk.paths import OPERATIONS
from aiops.gateway.completion import Completion
from aiops.gateway.dialects import Facts, chat, responses, transcriptions
from aiops.gateway.dialects.chat_events import ChatEvents
from aiops.gateway.dialects.reading import malformed
from aiops.gateway.dialects.responses_events import ResponseEvents
from aiops.gateway.errors import BadRequest, Interrupted
from aiops.gateway.plain_text import storable
from aiops.gateway.stream import BROKEN
from aiops.gateway.translate import RAW_KEPT, error_of_status, error_said

EVENTS = "text/event-stream"


class NotEnded(Interrupted):
    """A stream without its last event."""

    def __init__(self) -> None:
        super().__init__("The answer broke off before its end.")


def answer_in(request: SdkRequest, response: httpx2.Response, content: bytes, facts: Facts) -> Completion:
    """The answer as the log keeps it.

    Raises:
        NotEnded: it is the beginning of a stream.
        GatewayError: it is none, or may not be passed on; whoever asked with the SDK sees it all the same.
    """
    status = response.status_code
    if status >= 400:
        raise error_of_status(status, content.decode(errors="replace"), response.headers)
    if status >= 300:
        raise BadRequest(f"The provider sends whoever asks elsewhere (status {status}).", status=status)
    streamed = facts.content_type.startswith(EVENTS)
    if streamed and request.path in (chat.PATH, responses.PATH):
        return _of_events(request, content, facts)
    if request.path not in OPERATIONS or (streamed and request.operation != "transcription"):
        # Nobody here can read it: what it holds is between the SDK and whoever asked.
        return _unread(facts)
    if request.operation == "transcription" and facts.content_type.startswith("text/"):
        return _heard(content, facts, streamed=streamed)
    return OPERATIONS[request.path][1].completion_of(content, facts)


def text_so_far(request: SdkRequest, content: bytes) -> str:
    """The words in a stream that broke off."""
    events = _reader(request)
    words = []
    # What comes after an event that is none is not read.
    with suppress(*BROKEN):
        for event in _events(content):
            words.append(events.feed(event))
    return storable("".join(words))[:RAW_KEPT]


def body_so_far(content: bytes) -> str:
    """What came of an answer that broke off and is no stream."""
    return storable(content[:RAW_KEPT].decode(errors="replace"))


def _of_events(request: SdkRequest, content: bytes, facts: Facts) -> Completion:
    events = _reader(request)
    try:
        for event in _events(content):
            if event.get("type") == "error" or event.get("error"):
                raise error_said(event, facts)
            events.feed(event)
        if events.ended:
            return events.completion(facts)
    except BROKEN as error:
        raise malformed(content, facts, "stream of events") from error
    raise NotEnded


def _reader(request: SdkRequest) -> ChatEvents | ResponseEvents:
    return ResponseEvents() if request.path == responses.PATH else ChatEvents()


def _events(content: bytes) -> Iterator[dict[str, object]]:
    for event in SSEDecoder().iter_bytes(iter([content])):
        if event.data.startswith("[DONE]"):
            return
        yield event.json()


def _heard(content: bytes, facts: Facts, *, streamed: bool) -> Completion:
    """A transcription as plain text or subtitles, which come without a count, or in pieces, whose last is the whole."""
    if not streamed:
        return _unread(facts, text=storable(content.decode(errors="replace")))
    try:
        for event in _events(content):
            if event.get("type") == "transcript.text.done":
                return transcriptions.read(event, content, facts)
    except BROKEN as error:
        raise malformed(content, facts, "stream of events") from error
    raise NotEnded


def _unread(facts: Facts, *, text: str = "") -> Completion:
    return Completion(
        text=text,
        model="",
        finish_reason="stop",
        request_id=facts.request_id,
        first_byte_ms=facts.first_byte_ms,
        total_ms=facts.total_ms,
    )
