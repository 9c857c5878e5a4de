"""What every way to count has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class CannotCount(Exception):
    """The one that should count does not."""


class TokenCounter(Protocol):
    """Counts tokens as one model would."""

    is_exact: bool
    """Whether it counts what the provider will, but for what the provider adds without showing it."""

    def of_messages(self, messages: Sequence[Mapping[str, object]]) -> int:
        """Tokens of a request's messages, as Chat Completions has them.

        Raises:
            CannotCount: who counts is not there.
        """

    def of_text(self, text: str) -> int:
        """Tokens of a text by itself.

        Raises:
            CannotCount: who counts is not there.
        """


def text_of(content: object) -> str:
    """The text of a message, without what is no text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list | tuple):
        return ""
    return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
