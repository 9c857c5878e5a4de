"""Chat Completions: `POST …/chat/completions`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from aiops.gateway.stand_in.counting import chat_usage
from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.operation import Problem, Streamed
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import Said
from aiops.gateway.stand_in.sse import DONE, event, pieces_of
from aiops.gateway.stand_in.talking import Talking


class Chat(Talking):
    """One choice with a message, whole or as chunks."""

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
        return None

    def error_for(self, said: Said, *, streamed: bool) -> Problem | None:
        # A stream has begun with status 200 by the time that anything fails.
        return None if said.failure is None or streamed else super().error_for(said, streamed=streamed)

    def body(self, draft: Draft) -> bytes:
        said = draft.said
        message = {"role": "assistant", "content": said.text, "refusal": said.refusal}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": said.finish_reason}
        whole = _envelope(draft, "chat.completion", [] if said.nothing else [choice])
        if draft.usage is not None:
            whole["usage"] = draft.usage
        return json.dumps(whole).encode()

    def streamed(self, draft: Draft) -> Streamed:
        said = draft.said
        with_usage = draft.received.wants_usage_in_stream
        pieces, ending = [], []
        if not said.nothing:
            deltas = [
                {"role": "assistant", "content": ""},
                *({"content": piece} for piece in pieces_of(said.text)),
                *({"refusal": piece} for piece in pieces_of(said.refusal)),
            ]
            pieces = [_chunk(draft, delta, None, with_usage) for delta in deltas]
            if said.failure is not None:
                return Streamed(pieces=pieces, ending=[event(json.dumps({"error": asdict(said.failure)}))])
            ending = [_chunk(draft, {}, said.finish_reason, with_usage)]
        if with_usage:
            last = _envelope(draft, "chat.completion.chunk", [])
            last["usage"] = draft.usage
            ending.append(event(json.dumps(last)))
        return Streamed(pieces=pieces, ending=[*ending, DONE])


def _chunk(draft: Draft, delta: Mapping[str, Any], finish_reason: str | None, with_usage: bool) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    chunk = _envelope(draft, "chat.completion.chunk", [choice])
    if with_usage:
        chunk["usage"] = None
    return event(json.dumps(chunk))


def _envelope(draft: Draft, kind: str, choices: list[Any]) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{draft.id}",
        "object": kind,
        "created": int(time.time()),
        "model": draft.model,
        "choices": choices,
        "service_tier": "default",
        "system_fingerprint": "fp_stand_in",
    }
