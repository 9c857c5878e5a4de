"""Speech: text into sound."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from openai._streaming import SSEDecoder

from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.dialects.reading import malformed, raw_usage
from aiops.gateway.dialects.sending import Facts, Sending
from aiops.gateway.errors import Interrupted
from aiops.gateway.sizes import OVERHEAD, text_size
from aiops.gateway.usage import Usage, usage_of_responses

PATH = "/audio/speech"
WHAT = "sound"

TOKENS_A_CHARACTER = 12
"""More than any model makes of sound: about twenty tokens a second, and no letter takes longer than half of one, nor a
digit, nor a character of Chinese longer than as many letters as it has bytes."""

BARE = ("tts-1", "tts-1-hd")
"""Models that give sound as it is and nothing beside it; they are paid by the character. Others count in events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRequest:
    """A text to be spoken."""

    operation: ClassVar[str] = "speech"

    connection: str
    model: str
    text: str
    voice: Any
    """Its name, or what else the provider knows it by."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    """`response_format`, `speed`, `instructions`, …"""

    def most(self) -> Usage:
        said = str(self.parameters.get("instructions") or "")
        slowed = 1 / min(1.0, self.parameters.get("speed", 1.0))
        return Usage(
            input_characters=len(self.text),
            input_tokens=OVERHEAD + text_size(self.text) + text_size(said),
            output_audio_tokens=math.ceil(TOKENS_A_CHARACTER * text_size(self.text) * slowed),
        )

    def counted(self) -> Usage | None:
        return Usage(input_characters=len(self.text))

    def shown(self) -> Sequence[Mapping[str, object]]:
        return [{"role": "input", "content": self.text}]

    def settings(self) -> Mapping[str, Any]:
        return {**self.parameters, "voice": self.voice}


def sending_of(request: SpeechRequest, connection: Connection) -> Sending:
    """What is sent. In events the provider says what it has counted, in bare sound it cannot."""
    counts = connection.provider in ("openai", "azure") and not request.model.startswith(BARE)
    body = {
        **({"stream_format": "sse"} if counts else {}),
        **request.parameters,
        "model": connection.azure_deployment or request.model,
        "input": request.text,
        "voice": request.voice,
    }
    return Sending(path=PATH, body=body)


def completion_of(content: bytes, facts: Facts) -> Completion:
    """The sound, as `result`: bytes. What is billed by characters is known without the provider counting.

    Raises:
        Malformed: the answer is something else.
        Interrupted: it breaks off.
    """
    kind = facts.content_type.partition(";")[0].strip().lower()
    usage: Mapping[str, Any] = {}
    if kind == "text/event-stream":
        content, usage = _of_events(content, facts)
    if not content or kind == "application/json" or (kind.startswith("text/") and kind != "text/event-stream"):
        raise malformed(content, facts, WHAT)
    return Completion(
        text="",
        model="",
        finish_reason="stop",
        usage=usage_of_responses(usage),
        raw_usage=usage,
        request_id=facts.request_id,
        first_byte_ms=facts.first_byte_ms,
        total_ms=facts.total_ms,
        result=content,
    )


def _of_events(content: bytes, facts: Facts) -> tuple[bytes, Mapping[str, Any]]:
    pieces: list[bytes] = []
    try:
        for event in _events(content):
            if event["type"] == "speech.audio.delta":
                pieces.append(base64.b64decode(event["audio"], validate=True))
            elif event["type"] == "speech.audio.done":
                return b"".join(pieces), raw_usage(event)
    except (TypeError, LookupError, ValueError, binascii.Error) as error:
        raise malformed(content, facts, WHAT) from error
    raise Interrupted("The answer broke off before its end.", status=200, request_id=facts.request_id)


def _events(content: bytes) -> Iterator[dict[str, Any]]:
    for event in SSEDecoder().iter_bytes(iter([content])):
        if not event.data.startswith("[DONE]"):
            yield event.json()
