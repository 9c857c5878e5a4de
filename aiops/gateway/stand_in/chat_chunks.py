"""A chat completion as chunks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import zip_longest
from typing import Any

from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.logprobs import logprobs_by_piece, wanted
from aiops.gateway.stand_in.operation import Streamed
from aiops.gateway.stand_in.said import Said, ToolCall
from aiops.gateway.stand_in.sse import DONE, event, pieces_of


def chunks_of(draft: Draft, choices: Sequence[Said]) -> Streamed:
    """The chunks of all choices, by turns."""
    with_usage = draft.received.wants_usage_in_stream
    turns = zip_longest(*(_deltas(draft, index, said) for index, said in enumerate(choices)))
    pieces = [_chunk(draft, choice, with_usage) for turn in turns for choice in turn if choice is not None]
    if draft.said.failure is not None:
        return Streamed(pieces=pieces, ending=[event(json.dumps({"error": asdict(draft.said.failure)}))])
    ending = [
        _chunk(draft, _choice(index, {}, None, said.finish_reason), with_usage) for index, said in enumerate(choices)
    ]
    if with_usage:
        last = envelope(draft, "chat.completion.chunk", [])
        last["usage"] = draft.usage
        ending.append(event(json.dumps(last)))
    return Streamed(pieces=pieces, ending=[*ending, DONE])


def envelope(draft: Draft, kind: str, choices: list[Any]) -> dict[str, Any]:
    """What is around the choices, whole or in a chunk."""
    return {
        "id": f"chatcmpl-{draft.id}",
        "object": kind,
        "created": int(time.time()),
        "model": draft.model,
        "choices": choices,
        "service_tier": "default",
        "system_fingerprint": "fp_stand_in",
    }


def tool_call(draft: Draft, choice: int, index: int, call: ToolCall) -> dict[str, Any]:
    """One call of a function, with an id of its own."""
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": f"call_{draft.id}_{choice}_{index}", "type": "function", "function": function}


def _deltas(draft: Draft, index: int, said: Said) -> Iterator[dict[str, Any]]:
    yield _choice(index, {"role": "assistant", "content": "" if said.text or not said.tool_calls else None})
    tells = wanted(draft.received)
    for name, text in (("content", said.text), ("refusal", said.refusal)):
        logprobs = logprobs_by_piece(text, said, draft) if tells else []
        for number, piece in enumerate(pieces_of(text)):
            told = {"content": None, "refusal": None, name: logprobs[number]} if tells else None
            yield _choice(index, {name: piece}, told)
    for number, call in enumerate(said.tool_calls):
        whole = tool_call(draft, index, number, call)
        whole["function"]["arguments"] = ""
        yield _choice(index, {"tool_calls": [{"index": number, **whole}]})
        for piece in pieces_of(call.arguments):
            yield _choice(index, {"tool_calls": [{"index": number, "function": {"arguments": piece}}]})


def _choice(
    index: int, delta: Mapping[str, Any], logprobs: Mapping[str, Any] | None = None, finish_reason: str | None = None
) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}


def _chunk(draft: Draft, choice: Mapping[str, Any], with_usage: bool) -> bytes:
    chunk = envelope(draft, "chat.completion.chunk", [choice])
    if with_usage:
        chunk["usage"] = None
    return event(json.dumps(chunk))
