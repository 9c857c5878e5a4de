"""Embeddings: texts into vectors."""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.dialects.reading import malformed, parsed, raw_usage, short
from aiops.gateway.dialects.sending import Facts, Sending
from aiops.gateway.sizes import OVERHEAD, text_size
from aiops.gateway.usage import Usage, is_count

PATH = "/embeddings"
WHAT = "list of embeddings"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRequest:
    """Texts that want a vector each."""

    operation: ClassVar[str] = "embedding"

    connection: str
    model: str
    texts: Sequence[str]
    dimensions: int | None = None
    """Length of a vector; None for the model's own."""

    def most(self) -> Usage:
        return Usage(input_tokens=sum(OVERHEAD + text_size(text) for text in self.texts))

    def counted(self) -> Usage | None:
        return None

    def shown(self) -> Sequence[Mapping[str, object]]:
        return [{"role": "input", "content": text} for text in self.texts]

    def settings(self) -> Mapping[str, Any]:
        return {} if self.dimensions is None else {"dimensions": self.dimensions}


def sending_of(request: EmbeddingRequest, connection: Connection) -> Sending:
    """What is sent. Vectors come in base64, a third of the size and exact."""
    body: dict[str, Any] = {
        "model": connection.azure_deployment or request.model,
        "input": list(request.texts),
        "encoding_format": "base64",
        **request.settings(),
    }
    return Sending(path=PATH, body=body)


def completion_of(content: bytes, facts: Facts) -> Completion:
    """The vectors, in the order of the texts, as `result`: a list of lists of floats.

    Raises:
        Malformed: the answer is something else.
    """
    payload = parsed(content, facts, WHAT)
    usage = raw_usage(payload)
    try:
        rows = sorted(payload["data"], key=lambda row: row["index"])
        vectors = [_vector(row["embedding"]) for row in rows]
        if [row["index"] for row in rows] != list(range(len(rows))) or not vectors:
            raise LookupError
        if len({len(vector) for vector in vectors}) > 1:
            raise ValueError
    except (TypeError, LookupError, AttributeError, ValueError, OverflowError, binascii.Error) as error:
        raise malformed(content, facts, WHAT) from error
    tokens = usage.get("prompt_tokens", usage.get("total_tokens"))
    return Completion(
        text="",
        model=short(payload.get("model"), 128),
        finish_reason="stop",
        usage=Usage(input_tokens=tokens) if is_count(tokens) else None,
        raw_usage=usage,
        request_id=facts.request_id,
        first_byte_ms=facts.first_byte_ms,
        total_ms=facts.total_ms,
        result=vectors,
    )


def _vector(told: Any) -> list[float]:
    """Some compatible servers send numbers whatever they were asked for.

    Raises:
        ValueError, TypeError, OverflowError: it is no vector; one number that is none makes every distance none.
    """
    if isinstance(told, str):
        numbers = array("f", base64.b64decode(told, validate=True))
        if sys.byteorder == "big":
            numbers.byteswap()
        vector = numbers.tolist()
    else:
        vector = [number + 0.0 for number in told]
    if not vector or not all(map(math.isfinite, vector)):
        raise ValueError
    return vector
