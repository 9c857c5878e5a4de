"""Transcription: sound into text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.dialects.reading import malformed, parsed, raw_usage, require_complete, short
from aiops.gateway.dialects.sending import Facts, Sending
from aiops.gateway.plain_text import storable
from aiops.gateway.shown import measure
from aiops.gateway.sizes import OVERHEAD, text_size
from aiops.gateway.usage import MOST_TOKENS, Usage, usage_of_responses

PATH = "/audio/transcriptions"
WHAT = "transcription"

THINNEST = 500
"""Bytes a second of the most compressed speech in use (4 kbit/s): a file holds no more sound than that."""

TOKENS_A_SECOND = 30
"""More than any model counts of sound, or says of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionRequest:
    """A recording that wants its words."""

    operation: ClassVar[str] = "transcription"

    connection: str
    model: str
    sound: bytes = field(repr=False)
    name: str
    """File name; the provider tells the format by its ending."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    """`language`, `prompt`, `temperature`, …"""

    def most(self) -> Usage:
        seconds = min(len(self.sound) // THINNEST + 1, MOST_TOKENS // 1000)
        tokens = TOKENS_A_SECOND * seconds
        beside = text_size(str(self.parameters.get("prompt") or ""))
        return Usage(
            input_audio_ms=1000 * seconds,
            input_tokens=OVERHEAD + beside,
            input_audio_tokens=tokens,
            output_tokens=tokens,
        )

    def counted(self) -> Usage | None:
        return None

    def shown(self) -> Sequence[Mapping[str, object]]:
        return [{"role": "input", "content": f"{self.name} ({measure(self.sound)})"}]

    def settings(self) -> Mapping[str, Any]:
        return dict(self.parameters)


def sending_of(request: TranscriptionRequest, connection: Connection) -> Sending:
    """What is sent: a form."""
    body = {
        **request.parameters,
        "model": connection.azure_deployment or request.model,
        "response_format": "json",
    }
    return Sending(path=PATH, body=body, files=[("file", (request.name, request.sound))])


def completion_of(content: bytes, facts: Facts) -> Completion:
    """The words, as `text`.

    Raises:
        Malformed: the answer is something else.
        Empty: nothing was heard.
    """
    return read(parsed(content, facts, WHAT), content, facts)


def read(payload: Mapping[str, Any], content: bytes, facts: Facts) -> Completion:
    """As `completion_of`, of a parsed body, or of the last event of a stream.

    Raises:
        Malformed, Empty: as there.
    """
    if not isinstance(payload.get("text"), str):
        raise malformed(content, facts, WHAT)
    usage = raw_usage(payload)
    return require_complete(
        Completion(
            text=storable(payload["text"]),
            model=short(payload.get("model"), 128),
            finish_reason="stop",
            usage=_usage(usage),
            raw_usage=usage,
            request_id=facts.request_id,
            first_byte_ms=facts.first_byte_ms,
            total_ms=facts.total_ms,
            body=payload,
        )
    )


def _usage(raw: Mapping[str, Any]) -> Usage | None:
    """By its length or by tokens, as the provider bills it."""
    seconds = raw.get("seconds")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        return Usage(input_audio_ms=round(seconds * 1000)) if 0 <= seconds * 1000 <= MOST_TOKENS else None
    details = raw.get("input_token_details")
    return usage_of_responses({**raw, "input_tokens_details": details} if details else raw)
