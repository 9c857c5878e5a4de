"""Embeddings: what `embed` asks, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from django.utils import timezone

from aiops.client.chats import texts_of
from aiops.client.defaults import default_model, mind_the_end
from aiops.client.errors import raise_for
from aiops.client.how import How, how
from aiops.execution.judge import Outcome
from aiops.execution.prepare import Prepared, prepare_request
from aiops.gateway.dialects import EmbeddingRequest
from aiops.gateway.sizes import text_size

MOST_TEXTS = 256
"""Of one call. OpenAI takes more, whose vectors would not fit into the largest answer that is read: so many, of 3,072
numbers written in digits, come to 16 MB."""

MOST_BYTES = 300_000
"""Of one call: OpenAI takes so many tokens, which are never more than the bytes."""


def prepare_embeddings(
    default: str, texts: Any, dimensions: int | None, options: Mapping[str, Any]
) -> list[Callable[[], Prepared]]:
    """The calls behind `embed`, each made when its turn comes; mostly it is one.

    Raises:
        ValueError: there is nothing to embed, or an argument makes no sense.
    """
    found, model = usual("embedding", default, options)
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise ValueError(f"dimensions is {dimensions!r}: give a whole number above zero.")
    given = texts_of(texts, "to embed")

    def call(share: list[str]) -> Prepared:
        request = EmbeddingRequest(connection=found.connection.alias, model=model, texts=share, dimensions=dimensions)
        return prepare_request(request, found.about(), retry=found.policy, now=timezone.now())

    return [partial(call, share) for share in _shares(given)]


def vectors_in(outcome: Outcome) -> list[list[float]]:
    """The vectors of one call, in the order of its texts.

    Raises:
        OpenAIClientError: there are none.
    """
    completion = raise_for(outcome).end.completion
    vectors: list[list[float]] = completion.result if completion else []
    return vectors


def as_given(vectors: Sequence[list[float]], texts: Any) -> list[list[float]] | list[float]:
    """All vectors; the vector itself where one text was given by itself."""
    return vectors[0] if isinstance(texts, str) else list(vectors)


def usual(operation: str, default: str, options: Mapping[str, Any]) -> tuple[How, str]:
    """How a call is made, and the model: the one that is named, else the usual one for the operation.

    Raises:
        ValueError: an option makes no sense.
    """
    said: Any = dict(options)
    found = how(default, **said)
    for name in ("fallbacks", "cache"):
        if options.get(name):
            raise ValueError(f"{name} is not taken here: only for chat there is such a thing.")
    today = timezone.localdate()
    model = options.get("model") or default_model(operation, found.connection, today=today)
    mind_the_end(model, found.connection, today=today)
    return found, model


def _shares(texts: Sequence[str]) -> Iterator[list[str]]:
    share: list[str] = []
    size = 0
    for text in texts:
        grown = size + text_size(text)
        if share and (len(share) == MOST_TEXTS or grown > MOST_BYTES):
            yield share
            share, grown = [], text_size(text)
        share.append(text)
        size = grown
    yield share
