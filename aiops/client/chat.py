"""A completion of ours as the SDK's `ChatCompletion`, whichever interface it came by."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from openai.types.chat import ChatCompletion

from aiops.gateway.completion import Completion
from aiops.gateway.plain_text import TooDeep, storable_data


def chat_completion_of(completion: Completion, call_id: UUID) -> ChatCompletion:
    """The SDK's object. One field more is on it: `call_id`, where the log has the call.

    Providers are not held to every field of it, as the SDK itself does not hold them to it.
    """
    body = _own(completion) or _body(completion)
    made: ChatCompletion = ChatCompletion.construct(**{**body, "call_id": str(call_id)})
    return made


def _own(completion: Completion) -> Any:
    """What the provider answered, if in these words: as the log keeps it, so that the shop can keep it too."""
    try:
        return storable_data(completion.body) if "choices" in completion.body else None
    except TooDeep:
        return None


def _body(completion: Completion) -> dict[str, Any]:
    """What Chat Completions would have answered."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": completion.text or None,
        "refusal": completion.refusal or None,
    }
    if completion.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in completion.tool_calls
        ]
    logprobs = list(_logprobs(completion.body))
    return {
        "id": str(completion.body.get("id") or ""),
        "object": "chat.completion",
        "created": int(completion.body.get("created_at") or time.time()),
        "model": completion.model,
        "choices": [
            {
                "index": 0,
                "finish_reason": completion.finish_reason,
                "message": message,
                "logprobs": {"content": logprobs} if logprobs else None,
            }
        ],
        "usage": _usage(completion),
    }


def _logprobs(response: Any) -> list[Any]:
    return [
        token
        for item in response.get("output") or ()
        for part in item.get("content") or ()
        for token in part.get("logprobs") or ()
    ]


def _usage(completion: Completion) -> dict[str, Any] | None:
    usage = completion.usage
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.tokens_in,
        "completion_tokens": usage.tokens_out,
        "total_tokens": usage.tokens_in + usage.tokens_out,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": usage.input_audio_tokens},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.output_audio_tokens,
        },
    }
