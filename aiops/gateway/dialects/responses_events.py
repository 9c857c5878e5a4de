"""The events of a streamed response: text as it comes, and the whole answer in the last event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiops.gateway.completion import Completion
from aiops.gateway.dialects import responses
from aiops.gateway.dialects.sending import Facts

LAST = {"response.completed", "response.incomplete", "response.failed"}


class ResponseEvents:
    """Fed with one event after the other."""

    def __init__(self) -> None:
        self._last: Mapping[str, Any] | None = None
        self._head: Mapping[str, Any] = {}
        self._text: list[str] = []
        self._remarks: set[str] = set()

    @property
    def ended(self) -> bool:
        """Whether the last event came; a stream may break off without a word."""
        return self._last is not None

    def feed(self, event: Mapping[str, Any]) -> str:
        """Take an event in; gives the text that it adds to the answer.

        Raises:
            TypeError, LookupError, AttributeError: it is no event of a response.
        """
        kind = event["type"]
        if kind in LAST:
            self._last = event["response"]
        elif kind == "response.created":
            self._head = event["response"]
        elif kind == "response.output_item.added" and event["item"].get("phase") == "commentary":
            self._remarks.add(str(event["item"].get("id")))
        elif kind == "response.output_text.delta" and str(event.get("item_id")) not in self._remarks:
            self._text.append(event["delta"])
            return str(event["delta"])
        return ""

    def completion(self, facts: Facts) -> Completion:
        """The whole answer.

        Raises:
            TypeError, LookupError, AttributeError: the events make no response.
            GatewayError: it may not be passed on, or the provider says that it failed.
        """
        return responses.read(self.body(), facts)

    def body(self) -> dict[str, Any]:
        """What has come so far, in the shape of a whole answer."""
        if self._last is not None:
            return dict(self._last)
        said = {"type": "message", "content": [{"type": "output_text", "text": "".join(self._text)}]}
        return {**self._head, "status": "in_progress", "output": [said]}
