"""What the stand-in was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it arrived."""

    number: int
    """Counts the chat completions asked for, from 1; 0 for every other address."""

    method: str
    path: str

    headers: Mapping[str, str]
    """Names are found in any case."""

    body: Any
    """The parsed JSON; None when there was none."""

    at: datetime
    """When all of it had arrived (aware, UTC)."""

    @property
    def model(self) -> str:
        """The model that was asked for; empty when none was."""
        return str(self._field("model") or "")

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages, as sent."""
        messages = self._field("messages")
        return messages if isinstance(messages, list) else []

    @property
    def text(self) -> str:
        """All words of all messages, one message a paragraph: what a rule looks into."""
        return "\n\n".join(text_of(message) for message in self.messages)

    @property
    def schema(self) -> Any:
        """The JSON Schema that the answer must satisfy; None when none was sent."""
        answer_format = self._field("response_format")
        if not isinstance(answer_format, dict) or answer_format.get("type") != "json_schema":
            return None
        return (answer_format.get("json_schema") or {}).get("schema")

    @property
    def wants_json(self) -> bool:
        """Whether any JSON object will do (`json_object`)."""
        answer_format = self._field("response_format")
        return isinstance(answer_format, dict) and answer_format.get("type") == "json_object"

    @property
    def streamed(self) -> bool:
        return self._field("stream") is True

    @property
    def wants_usage_in_stream(self) -> bool:
        options = self._field("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    @property
    def output_limit(self) -> int | None:
        """Most tokens that the answer may have; None when no limit was sent."""
        limit = self._field("max_completion_tokens") or self._field("max_tokens")
        return limit if isinstance(limit, int) else None

    def _field(self, name: str) -> Any:
        return self.body.get(name) if isinstance(self.body, dict) else None


def text_of(message: Any) -> str:
    """The words of one message, whether its content is a text or a list of parts."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return ""
