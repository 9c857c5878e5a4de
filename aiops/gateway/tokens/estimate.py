"""Counting without a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiops.gateway.sizes import OVERHEAD, text_size
from aiops.gateway.tokens.counter import text_of

BYTES_PER_TOKEN = 4
"""Of UTF-8, roughly, in English as in Russian or Chinese."""


class EstimateCounter:
    """A quarter of the bytes: within a factor of two, mostly, and called an estimate."""

    is_exact = False

    def of_messages(self, messages: Sequence[Mapping[str, object]]) -> int:
        """An estimate."""
        texts = (text_of(message.get("content")) for message in messages)
        return sum(self.of_text(text) for text in texts) + OVERHEAD // 2 * (len(messages) + 1)

    def of_text(self, text: str) -> int:
        """An estimate."""
        return -(-text_size(text) // BYTES_PER_TOKEN)
