"""Embeddings: `POST …/embeddings`."""

from __future__ import annotations

import base64
import json
import math
import sys
from array import array
from collections.abc import Mapping, Sequence
from hashlib import shake_256
from typing import Any, ClassVar

from aiops.gateway.stand_in.counting import tokens_of_text
from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.operation import Operation, Problem
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import UNSET, Billed, Said

MOST_INPUTS = 2048
MOST_TOKENS = 8192
"""In one input."""

DIMENSIONS = {"text-embedding-3-large": 3072}
USUAL_DIMENSIONS = 1536


class Embeddings(Operation):
    """A vector of length one for each text: the same for the same text and seed, another for any other.

    `Answer(data=…)` scripts one vector for every input, or a list of one for each.
    """

    name = "embeddings"
    usage_words: ClassVar = ("prompt_tokens", "total_tokens")

    def messages(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{"role": "user", "content": text} for text in inputs_of(body) if isinstance(text, str)]

    def problem(self, received: Received) -> Problem | None:
        body = received.body
        inputs = inputs_of(body)
        if not inputs or not all(inputs):
            return Problem(message="Invalid 'input': it must not be an empty text or list.")
        if len(inputs) > MOST_INPUTS:
            return Problem(
                message=f"Invalid 'input': array too long. Expected an array with maximum length {MOST_INPUTS}, "
                f"but got an array with length {len(inputs)} instead."
            )
        if not all(isinstance(one, str) or _is_tokens(one) for one in inputs):
            return Problem(message="Invalid type for 'input': expected texts or lists of token numbers.")
        if any(_tokens(one) > MOST_TOKENS for one in inputs):
            return Problem(message=f"This model's maximum context length is {MOST_TOKENS} tokens.")
        dimensions = body.get("dimensions")
        most = _usual(received)
        if dimensions is not None and (type(dimensions) is not int or not 1 <= dimensions <= most):
            return Problem(message=f"Invalid 'dimensions': expected an integer between 1 and {most}.")
        if body.get("encoding_format") not in (None, "float", "base64"):
            return Problem(message="Invalid 'encoding_format': expected 'float' or 'base64'.")
        return None

    def seeded(self, exchange: Exchange) -> Said:
        return Said()

    def count(self, said: Said, exchange: Exchange) -> tuple[Billed, Mapping[str, Any] | None]:
        tokens = sum(_tokens(one) for one in inputs_of(exchange.received.body))
        return Billed(tokens_in=tokens), {"prompt_tokens": tokens, "total_tokens": tokens}

    def billed_by(self, usage: Mapping[str, Any] | None) -> Billed | None:
        tokens = (usage or {}).get("prompt_tokens")
        return Billed(tokens_in=tokens) if type(tokens) is int and tokens >= 0 else None

    def body(self, draft: Draft) -> bytes:
        asked = draft.received.body
        vectors = [] if draft.said.nothing else _vectors(draft)
        if asked.get("encoding_format") == "base64":
            data: list[Any] = [base64.b64encode(_little_endian(vector)).decode() for vector in vectors]
        else:
            data = [vector.tolist() for vector in vectors]
        whole: dict[str, Any] = {
            "object": "list",
            "data": [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(data)],
            "model": draft.model,
        }
        if draft.usage is not None:
            whole["usage"] = draft.usage
        return json.dumps(whole).encode()


def inputs_of(body: Mapping[str, Any]) -> list[Any]:
    """The texts, or lists of token numbers, one for each vector."""
    asked = body.get("input")
    if not isinstance(asked, list):
        return [asked]
    return [asked] if _is_tokens(asked) else asked


def unit_vector(of: str, *, seed: int, dimensions: int) -> array[float]:
    """Drawn from the text: fewer dimensions are the beginning of more, made as long as one again."""
    drawn = array("h", shake_256(f"{seed}:{of}".encode("utf-8", "surrogatepass")).digest(2 * dimensions))
    if sys.byteorder == "big":
        drawn.byteswap()
    length = math.sqrt(sum(number * number for number in drawn)) or 1.0
    return array("f", [number / length for number in drawn])


def _vectors(draft: Draft) -> list[array[float]]:
    inputs = inputs_of(draft.received.body)
    data = draft.said.data
    if data is not UNSET:
        each = data if data and isinstance(data[0], list | tuple) else [data] * len(inputs)
        return [array("f", vector) for vector in each]
    dimensions = draft.received.body.get("dimensions") or _usual(draft.received)
    return [unit_vector(str(one), seed=draft.seed, dimensions=dimensions) for one in inputs]


def _usual(received: Received) -> int:
    return DIMENSIONS.get(received.model, USUAL_DIMENSIONS)


def _is_tokens(one: Any) -> bool:
    return isinstance(one, list) and bool(one) and all(type(number) is int for number in one)


def _tokens(one: str | Sequence[int]) -> int:
    return tokens_of_text(one) if isinstance(one, str) else len(one)


def _little_endian(vector: array[float]) -> bytes:
    if sys.byteorder == "big":
        vector.byteswap()
    return vector.tobytes()
