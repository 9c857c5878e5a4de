"""Tokens, counted the same way every time, and the `usage` objects that tell them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiops.gateway.stand_in.received import Received, text_of


def tokens_of_text(text: str) -> int:
    """A quarter of its UTF-8 bytes, rounded up: no tokenizer's truth, but the same every time."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)


def tokens_of_messages(messages: Iterable[Any]) -> int:
    """Tokens that a prompt counts: its words, four for each message, three for the answer's beginning."""
    return 3 + sum(4 + tokens_of_text(text_of(message)) for message in messages)


def tokens_asked(received: Received) -> int:
    """What a limit of tokens counts before there is an answer: the prompt, and all the output that it asks for."""
    return tokens_of_messages(received.messages) + (received.output_limit or 0)


def chat_usage(tokens_in: int, tokens_out: int, *, cached: int = 0, reasoning: int = 0) -> dict[str, Any]:
    """A `usage` object as Chat Completions writes it: the details are parts of the totals."""
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
        "prompt_tokens_details": {"cached_tokens": min(cached, tokens_in), "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": min(reasoning, tokens_out),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def responses_usage(tokens_in: int, tokens_out: int, *, cached: int = 0, reasoning: int = 0) -> dict[str, Any]:
    """The same as Responses, and Decisions, write it."""
    return {
        "input_tokens": tokens_in,
        "input_tokens_details": {"cached_tokens": min(cached, tokens_in), "cache_write_tokens": 0},
        "output_tokens": tokens_out,
        "output_tokens_details": {"reasoning_tokens": min(reasoning, tokens_out)},
        "total_tokens": tokens_in + tokens_out,
    }


_WORDS = (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"))


def in_words_of(words: tuple[str, str], usage: Mapping[str, Any]) -> Mapping[str, Any]:
    """A scripted `usage` with its totals and their details called what this API calls them; the rest as it was."""
    renamed = {
        other + suffix: own + suffix
        for own, others in zip(words, _WORDS, strict=True)
        for other in others
        # An API that counts no output has only one word of these.
        if other != own and own in others
        for suffix in ("", "_details")
    }
    return {renamed.get(name, name): value for name, value in usage.items()}
