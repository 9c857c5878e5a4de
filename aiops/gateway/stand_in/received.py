"""What the stand-in was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFile:
    """One file of a form."""

    name: str
    """Of the field that it came in."""

    filename: str
    content_type: str
    size: int
    """In bytes."""

    start: bytes
    """The first bytes: enough to see what kind of file it is."""

    content: bytes = field(default=b"", repr=False)
    """All of it where files are stored; a recording is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it arrived. It reads the same whichever API was asked."""

    number: int
    """Counts what was asked of a model, from 1; 0 for every other address."""

    operation: str
    """`chat`, `responses`, `embeddings`, …; empty for an address that is none."""

    method: str
    path: str

    headers: Mapping[str, str]
    """Names are found in any case."""

    body: Any
    """The parsed JSON, or the fields of a form; None when there was none."""

    messages: list[dict[str, Any]]
    """What was asked, as messages of Chat Completions, whichever API it was sent to."""

    files: Sequence[ReceivedFile] = ()

    at: datetime
    """When all of it had arrived (aware, UTC)."""

    query: Mapping[str, str] = field(default_factory=dict)
    """What follows the question mark."""

    @property
    def model(self) -> str:
        """The model that was asked for; empty when none was."""
        return str(self._field("model") or "")

    @property
    def text(self) -> str:
        """All words of all messages, one message a paragraph: what a rule looks into."""
        return "\n\n".join(text_of(message) for message in self.messages)

    @property
    def schema(self) -> Any:
        """The JSON Schema that the answer must satisfy; None when none was sent."""
        schema_format = self.schema_format
        return None if schema_format is None else schema_format.get("schema")

    @property
    def schema_format(self) -> Mapping[str, Any] | None:
        """The schema with its name; None when none was sent."""
        if self.operation == "responses":
            answer_format = self._format_of_responses()
            return answer_format if answer_format.get("type") == "json_schema" else None
        answer_format = self._field("response_format")
        if not isinstance(answer_format, dict) or answer_format.get("type") != "json_schema":
            return None
        return answer_format.get("json_schema") or {}

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The functions that are offered, each with its `name`, `description` and `parameters`."""
        tools = self._field("tools")
        functions = []
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and tool.get("type") == "function":
                # Chat Completions has them one level down.
                function = tool.get("function", tool)
                functions.append({name: function.get(name) for name in ("name", "description", "parameters")})
        return functions

    @property
    def wants_json(self) -> bool:
        """Whether any JSON object will do (`json_object`)."""
        if self.operation == "responses":
            return self._format_of_responses().get("type") == "json_object"
        answer_format = self._field("response_format")
        return isinstance(answer_format, dict) and answer_format.get("type") == "json_object"

    @property
    def streamed(self) -> bool:
        """Whether it asks for a stream; a form says so in a word."""
        return self._field("stream") in (True, "true")

    @property
    def wants_usage_in_stream(self) -> bool:
        """Whether a stream of Chat Completions ends with its usage; those of the others always do."""
        options = self._field("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    @property
    def output_limit(self) -> int | None:
        """Most tokens that the answer may have; None when no limit was sent."""
        limit = self._field("max_completion_tokens") or self._field("max_tokens") or self._field("max_output_tokens")
        return limit if isinstance(limit, int) else None

    def _format_of_responses(self) -> Mapping[str, Any]:
        text = self._field("text")
        answer_format = text.get("format") if isinstance(text, dict) else None
        return answer_format if isinstance(answer_format, dict) else {}

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
