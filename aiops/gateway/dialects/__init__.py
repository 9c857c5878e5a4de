"""What providers speak: a module each, that puts a request into words and reads the answer."""

from __future__ import annotations

from typing import Any, Protocol

from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.dialects import chat, decisions, embeddings, moderations, responses, speech, transcriptions
from aiops.gateway.dialects.decisions import DecisionRequest
from aiops.gateway.dialects.embeddings import EmbeddingRequest
from aiops.gateway.dialects.misfit import misfit
from aiops.gateway.dialects.moderations import ModerationRequest
from aiops.gateway.dialects.sending import Facts, Sending
from aiops.gateway.dialects.speech import SpeechRequest
from aiops.gateway.dialects.transcriptions import TranscriptionRequest
from aiops.gateway.request import AnyRequest, Request

__all__ = [
    "AnyRequest",
    "DecisionRequest",
    "Dialect",
    "EmbeddingRequest",
    "Facts",
    "ModerationRequest",
    "Request",
    "Sending",
    "SpeechRequest",
    "TranscriptionRequest",
    "dialect_of",
    "misfit",
]


class Dialect(Protocol):
    """What each of the modules offers."""

    @property
    def sending_of(self) -> Any: ...

    def completion_of(self, content: bytes, facts: Facts) -> Completion: ...


_BY_API: dict[str, Dialect] = {"chat": chat, "responses": responses}
_BY_OPERATION: dict[str, Dialect] = {
    "decision": decisions,
    "embedding": embeddings,
    "moderation": moderations,
    "speech": speech,
    "transcription": transcriptions,
}


def dialect_of(request: AnyRequest, connection: Connection) -> Dialect:
    """How a request is said over a connection."""
    return _BY_OPERATION.get(request.operation) or _BY_API[connection.api]
