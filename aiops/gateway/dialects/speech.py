"""Speech: text into sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.dialects.reading import malformed
from aiops.gateway.dialects.sending import Facts, Sending
from aiops.gateway.sizes import OVERHEAD, text_size
from aiops.gateway.usage import Usage

PATH = "/audio/speech"
WHAT = "sound"

TOKENS_A_CHARACTER = 4
"""More than any model makes of sound: about twenty tokens a second, fifteen characters spoken in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRequest:
    """A text to be spoken."""

    operation: ClassVar[str] = "speech"

    connection: str
    model: str
    text: str
    voice: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """`response_format`, `speed`, `instructions`, …"""

    def most(self) -> Usage:
        said = str(self.parameters.get("instructions") or "")
        return Usage(
            input_characters=len(self.text),
            input_tokens=OVERHEAD + text_size(self.text) + text_size(said),
            output_audio_tokens=TOKENS_A_CHARACTER * len(self.text),
        )

    def counted(self) -> Usage | None:
        return Usage(input_characters=len(self.text))

    def shown(self) -> Sequence[Mapping[str, object]]:
        return [{"role": "input", "content": self.text}]

    def settings(self) -> Mapping[str, Any]:
        return {**self.parameters, "voice": self.voice}


def sending_of(request: SpeechRequest, connection: Connection) -> Sending:
    """What is sent."""
    body = {
        **request.parameters,
        "model": connection.azure_deployment or request.model,
        "input": request.text,
        "voice": request.voice,
    }
    return Sending(path=PATH, body=body)


def completion_of(content: bytes, facts: Facts) -> Completion:
    """The sound, as `result`: bytes. The provider counts nothing here; what it bills by characters is known anyhow.

    Raises:
        Malformed: the answer is something else.
    """
    kind = facts.content_type.partition(";")[0].strip().lower()
    if not content or kind.startswith("text/") or kind == "application/json":
        raise malformed(content, facts, WHAT)
    return Completion(
        text="",
        model="",
        finish_reason="stop",
        request_id=facts.request_id,
        first_byte_ms=facts.first_byte_ms,
        total_ms=facts.total_ms,
        result=content,
    )
