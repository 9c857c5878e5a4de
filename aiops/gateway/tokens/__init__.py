"""How many tokens a request will be counted as: exactly where the model's tokenizer is at hand, else an estimate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aiops.gateway.connection import Connection
from aiops.gateway.tokens.counter import CannotCount, TokenCounter
from aiops.gateway.tokens.encodings import EncodingCounter, encoding_of
from aiops.gateway.tokens.estimate import EstimateCounter
from aiops.gateway.tokens.server import ServerCounter

__all__ = ["TokenCounter", "counting_tokens"]

T = TypeVar("T")


def counting_tokens(connection: Connection, model: str, count: Callable[[TokenCounter], T]) -> T:
    """What a function makes of the best counter there is for a model; of an estimate where that one does not answer."""
    try:
        return count(_best(connection, model))
    except CannotCount:
        return count(EstimateCounter())


def _best(connection: Connection, model: str) -> TokenCounter:
    if connection.tokenizer == "server":
        return ServerCounter(connection)
    if encoding := encoding_of(connection, model):
        return EncodingCounter(encoding)
    return EstimateCounter()
