"""The events of a streamed chat completion, put together to the body that the same answer would have had whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiops.gateway.completion import Completion
from aiops.gateway.dialects import chat
from aiops.gateway.dialects.sending import Facts


class ChatEvents:
    """Fed with one event after the other."""

    def __init__(self) -> None:
        self.ended = False
        """Whether the provider said why the answer ends; a stream may break off without a word."""
        self._head: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def feed(self, event: Mapping[str, Any]) -> str:
        """Take an event in; gives the text of the first choice that it adds.

        Raises:
            TypeError, LookupError, AttributeError: it is no chunk of a chat completion.
        """
        self._head |= {name: value for name, value in event.items() if name != "choices" and value is not None}
        if not event["choices"] and event.get("usage"):
            # What was used is said last of all: here there was no answer, and it is billed.
            self.ended = True
        added = ""
        for choice in event["choices"]:
            index = choice.get("index", 0)
            whole = self._choices.setdefault(index, {"index": index, "finish_reason": None, "message": _message()})
            delta = choice.get("delta") or {}
            _add(whole["message"], delta)
            if choice.get("logprobs"):
                _add_logprobs(whole, choice["logprobs"])
            if choice.get("finish_reason"):
                whole["finish_reason"] = choice["finish_reason"]
                self.ended = True
            if index == 0:
                added += delta.get("content") or ""
        return added

    def completion(self, facts: Facts) -> Completion:
        """The whole answer, read as if it had come at once.

        Raises:
            TypeError, LookupError, AttributeError: the events make no chat completion.
            Incomplete: it may not be passed on; the error holds it.
        """
        return chat.read(self.body(), facts)

    def body(self) -> dict[str, Any]:
        """What has come so far, in the shape of a whole answer."""
        choices = [self._choices[index] for index in sorted(self._choices)]
        for choice in choices:
            calls = choice["message"].pop("tool_calls_by_index", None)
            if calls:
                choice["message"]["tool_calls"] = [calls[index] for index in sorted(calls)]
        return {**self._head, "object": "chat.completion", "choices": choices}


def _message() -> dict[str, Any]:
    return {"role": "assistant", "content": None}


def _add(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for name in ("content", "refusal"):
        if delta.get(name):
            message[name] = (message.get(name) or "") + delta[name]
    for call in delta.get("tool_calls") or ():
        calls = message.setdefault("tool_calls_by_index", {})
        whole = calls.setdefault(call.get("index", 0), {"id": "", "type": "function", "function": {}})
        whole["id"] = call.get("id") or whole["id"]
        function = call.get("function") or {}
        whole["function"]["name"] = whole["function"].get("name", "") + (function.get("name") or "")
        whole["function"]["arguments"] = whole["function"].get("arguments", "") + (function.get("arguments") or "")


def _add_logprobs(choice: dict[str, Any], logprobs: Mapping[str, Any]) -> None:
    whole = choice.setdefault("logprobs", {})
    for name, tokens in logprobs.items():
        if isinstance(tokens, list):
            whole[name] = [*(whole.get(name) or []), *tokens]
