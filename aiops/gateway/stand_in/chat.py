"""Chat Completions: `POST …/chat/completions`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from aiops.gateway.stand_in.chat_chunks import chunks_of, envelope, tool_call
from aiops.gateway.stand_in.counting import chat_usage
from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.logprobs import MOST, logprobs_by_piece, wanted
from aiops.gateway.stand_in.operation import Problem, Streamed
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import Said
from aiops.gateway.stand_in.talking import Talking

MOST_CHOICES = 128


class Chat(Talking):
    """Choices with a message each, whole or as chunks."""

    name = "chat"
    usage_words: ClassVar = ("prompt_tokens", "completion_tokens")
    usage = staticmethod(chat_usage)

    def messages(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        messages = body.get("messages")
        return messages if isinstance(messages, list) else []

    def problem(self, received: Received) -> Problem | None:
        if not received.messages:
            return Problem(message="[] is too short - 'messages'.")
        schema_format = received.schema_format
        if schema_format is not None and "schema" in schema_format and not schema_format.get("name"):
            return Problem(message="Missing required parameter: 'response_format.json_schema.name'.")
        body = received.body
        if not _is_between(body.get("n"), 1, MOST_CHOICES):
            return Problem(message=f"Invalid 'n': expected an integer between 1 and {MOST_CHOICES}.")
        if not _is_between(body.get("top_logprobs"), 0, MOST):
            return Problem(message=f"Invalid 'top_logprobs': expected an integer between 0 and {MOST}.")
        if body.get("top_logprobs") and body.get("logprobs") is not True:
            return Problem(message="The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")
        return None

    def error_for(self, said: Said, *, streamed: bool) -> Problem | None:
        # A stream has begun with status 200 by the time that anything fails.
        return None if said.failure is None or streamed else super().error_for(said, streamed=streamed)

    def seeded(self, exchange: Exchange) -> Said:
        first = super().seeded(exchange)
        count = _wanted(exchange.received)
        if count == 1:
            return first
        others = (self.drawn(exchange, f"{exchange.manner.seed}:{index}") for index in range(1, count))
        return replace(first, others=tuple(others))

    def choices(self, said: Said, received: Received) -> tuple[Said, ...]:
        if said.nothing:
            return ()
        choices = (said, *said.others)
        # What was scripted once is said in every choice.
        return choices + (said,) * (_wanted(received) - len(choices))

    def body(self, draft: Draft) -> bytes:
        choices = [_choice(draft, index, said) for index, said in enumerate(self.choices(draft.said, draft.received))]
        whole = envelope(draft, "chat.completion", choices)
        if draft.usage is not None:
            whole["usage"] = draft.usage
        return json.dumps(whole).encode()

    def streamed(self, draft: Draft) -> Streamed:
        return chunks_of(draft, self.choices(draft.said, draft.received))


def _is_between(value: object, least: int, most: int) -> bool:
    """Whether an optional parameter is within its bounds."""
    return value is None or (type(value) is int and least <= value <= most)


def _wanted(received: Received) -> int:
    """How many choices."""
    return int(received.body.get("n") or 1)


def _choice(draft: Draft, index: int, said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": said.refusal}
    if said.tool_calls:
        message["tool_calls"] = [tool_call(draft, index, *numbered) for numbered in enumerate(said.tool_calls)]
    logprobs = None
    if wanted(draft.received):
        content, refusal = (
            [entry for piece in logprobs_by_piece(text, said, draft) for entry in piece]
            for text in (said.text, said.refusal)
        )
        logprobs = {"content": content or None, "refusal": refusal or None}
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": said.finish_reason}
