"""OpenAI's own tokenizers, on this machine. Optional (`pip install "django-aiops[tokens]"`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

from aiops.gateway.connection import Connection
from aiops.gateway.tokens.counter import text_of

FOR_MESSAGE = 4
"""Tokens of a message beside its text: where it begins and ends, and its role. From OpenAI's cookbook."""

FOR_REQUEST = 3
"""Tokens with which each answer is begun, counted as input. From the same."""

BY_NAME = (
    ("gpt-4o", "o200k_base"),
    ("gpt-4.", "o200k_base"),
    ("gpt-4", "cl100k_base"),
    ("gpt-3.5", "cl100k_base"),
    ("text-embedding-3", "cl100k_base"),
    ("gpt-", "o200k_base"),
    ("chatgpt-", "o200k_base"),
    ("o1", "o200k_base"),
    ("o3", "o200k_base"),
    ("o4", "o200k_base"),
)
"""How a model's name begins → its tokenizer; the first that fits."""

OPENAI_MODELS = frozenset({"openai", "azure"})
"""Providers whose models are known by these names."""


def encoding_of(connection: Connection, model: str) -> str:
    """The tokenizer of a model; empty where it is not known, or no library for it is here."""
    if find_spec("splintr") is None:
        return ""
    if connection.tokenizer:
        return connection.tokenizer
    if connection.provider not in OPENAI_MODELS:
        return ""
    bare = model.removeprefix("ft:")
    return next((encoding for start, encoding in BY_NAME if bare.startswith(start)), "")


class EncodingCounter:
    """Counts by one of OpenAI's tables."""

    is_exact = True

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding

    def of_messages(self, messages: Sequence[Mapping[str, object]]) -> int:
        """Tokens of messages, with what surrounds them."""
        texts = (text_of(message.get("content")) for message in messages)
        return sum(self.of_text(text) + FOR_MESSAGE for text in texts) + FOR_REQUEST

    def of_text(self, text: str) -> int:
        """Tokens of a text in which nothing is a sign with a meaning of its own."""
        # Half a character, which no table knows, is sent as a replacement.
        return len(_tokenizer(self.encoding).encode_ordinary(text.encode("utf-8", "replace").decode()))


@cache
def _tokenizer(encoding: str) -> Any:
    from splintr import Tokenizer

    return Tokenizer.from_pretrained(encoding)
