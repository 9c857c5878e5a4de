"""An answer, made up and counted, in the two forms it travels in: one JSON body, or a stream of events."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiops.gateway.stand_in.received import text_of

DONE = b"data: [DONE]\n\n"

_PIECE = re.compile(r"\s*\S+\s*|\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One completion before it is sent."""

    id: str
    model: str
    text: str | None
    finish_reason: str | None
    refusal: str | None = None

    usage: Mapping[str, Any] | None
    """As it is told to the client; None tells nothing."""

    tokens: tuple[int, int]
    """In and out, as the server counts them for itself."""

    choices: bool = True
    """False gives an answer with an empty list of choices."""

    def body(self) -> bytes:
        """The whole answer as one JSON object."""
        message = {"role": "assistant", "content": self.text, "refusal": self.refusal}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason}
        whole = self._envelope("chat.completion", [choice] if self.choices else [])
        if self.usage is not None:
            whole["usage"] = self.usage
        return json.dumps(whole).encode()

    def events(self, *, include_usage: bool) -> Iterator[bytes]:
        """The answer as server-sent events, one chunk each, without the closing `[DONE]`."""
        if self.choices:
            yield self._event({"role": "assistant", "content": ""}, include_usage)
            for piece in _PIECE.findall(self.text or ""):
                yield self._event({"content": piece}, include_usage)
            for piece in _PIECE.findall(self.refusal or ""):
                yield self._event({"refusal": piece}, include_usage)
            yield self._event({}, include_usage, self.finish_reason)
        if include_usage:
            last = self._envelope("chat.completion.chunk", [])
            last["usage"] = self.usage
            yield event(json.dumps(last))

    def _event(self, delta: Mapping[str, Any], include_usage: bool, finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk = self._envelope("chat.completion.chunk", [choice])
        if include_usage:
            chunk["usage"] = None
        return event(json.dumps(chunk))

    def _envelope(self, kind: str, choices: list[Any]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": int(time.time()),
            "model": self.model,
            "choices": choices,
            "service_tier": "default",
            "system_fingerprint": "fp_stand_in",
        }


def event(data: str) -> bytes:
    """One server-sent event."""
    return b"data: " + data.encode("utf-8", "surrogatepass") + b"\n\n"


def tokens_of_text(text: str) -> int:
    """A quarter of its UTF-8 bytes, rounded up: no tokenizer's truth, but the same every time."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)


def tokens_of_messages(messages: list[Any]) -> int:
    """Tokens that a prompt counts: its words, four for each message, three for the answer's beginning."""
    return 3 + sum(4 + tokens_of_text(text_of(message)) for message in messages)


def usage_of(tokens_in: int, tokens_out: int, *, cached: int = 0, reasoning: int = 0) -> dict[str, Any]:
    """A `usage` object as OpenAI writes it: the details are parts of the totals."""
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
