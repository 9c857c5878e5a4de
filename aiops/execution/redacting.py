"""What may not leave, taken out of a request before it is recorded and sent, and put back for whoever asked.

The log keeps the request as it left and the answer as it came: with tokens, never with what stands behind them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from aiops.execution.errors import MayNotLeave
from aiops.gateway.completion import Completion
from aiops.gateway.dialects import (
    AnyRequest,
    DecisionRequest,
    EmbeddingRequest,
    ModerationRequest,
    Request,
    SpeechRequest,
)
from aiops.redaction import Detector, Restorer, redact
from aiops.redaction.restore import NOTHING

AnyOne = TypeVar("AnyOne", bound=AnyRequest)


def redacted(request: AnyRequest, detectors: Sequence[Detector]) -> tuple[AnyRequest, Restorer]:
    """The request as it may leave, and the way back. Pictures, sound and files are not looked into.

    Raises:
        RedactionError: a detector failed.
        MayNotLeave: it cannot be sent without what was found.
    """
    if not detectors:
        return request, NOTHING
    match request:
        case Request():
            found = redact(request.messages, detectors, beside=[request.schema, request.parameters])
            return replace(request, messages=found.messages), found.restore
        case EmbeddingRequest():
            texts, restore = _texts(request.texts, detectors)
            return replace(request, texts=texts), restore
        case DecisionRequest():
            texts, restore = _texts([request.text], detectors)
            return replace(request, text=texts[0]), restore
        case ModerationRequest() if all(isinstance(part, str) for part in request.inputs):
            texts, restore = _texts(request.inputs, detectors)
            return replace(request, inputs=texts), restore
        case _:
            require_nothing(request, detectors)
            return request, NOTHING


def require_nothing(request: AnyRequest, detectors: Sequence[Detector]) -> None:
    """See that a request holds nothing that may not leave, where nothing can be taken out of it.

    Raises:
        RedactionError: a detector failed.
        MayNotLeave: it holds something.
    """
    if not detectors:
        return
    text = request.text if isinstance(request, SpeechRequest) else json.dumps(request.shown(), default=str)
    counts = redact([{"role": "user", "content": text}], detectors).counts
    if counts:
        raise MayNotLeave(", ".join(sorted(counts)))


def restored(completion: Completion, restore: Restorer) -> Completion:
    """The answer as whoever asked may see it."""
    if not restore.counts:
        return completion
    return replace(
        completion,
        text=restored_text(completion.text, restore),
        others=tuple(restored_text(other, restore) for other in completion.others),
        tool_calls=tuple(
            replace(call, arguments=restored_text(call.arguments, restore)) for call in completion.tool_calls
        ),
        body=_everywhere(completion.body, restore),
    )


def restored_text(text: str, restore: Restorer) -> str:
    """A text with values for tokens; where it is JSON it stays JSON, whatever stands in the values."""
    if text[:1] in "{[" and text:
        try:
            return json.dumps(restore.data(json.loads(text)), ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    return restore.text(text)


def _everywhere(data: Any, restore: Restorer) -> Any:
    match data:
        case str():
            return restored_text(data, restore)
        case list():
            return [_everywhere(part, restore) for part in data]
        case dict():
            return {name: _everywhere(part, restore) for name, part in data.items()}
    return data


def _texts(texts: Sequence[Any], detectors: Sequence[Detector]) -> tuple[list[str], Restorer]:
    found = redact([{"role": "user", "content": text} for text in texts], detectors)
    return [str(message["content"]) for message in found.messages], found.restore
