"""One question as the provider got it, and how a test says which one it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from aiops.gateway.stand_in.received import Received, ReceivedFile

OPERATIONS: Mapping[str, str] = {
    "chat": "completion",
    "responses": "completion",
    "embeddings": "embedding",
    "moderations": "moderation",
    "transcriptions": "transcription",
    "speech": "speech",
    "decisions": "decision",
}
"""The stand-in's word for an address → the log's word for what is asked for there."""

SHOWN = 100
"""Characters of a question in a message about it."""


class Criteria(TypedDict, total=False):
    """Which questions are meant: all that are given must hold."""

    text: str
    """Stands somewhere in the messages."""

    model: str
    operation: str
    """`completion`, `embedding`, `moderation`, `transcription`, `speech` or `decision`, as in the log."""

    connection: str
    """Alias."""

    streamed: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. Reads the same on Chat Completions and on Responses; each sending is one, so a retry is another."""

    received: Received
    """All of it: headers, address, when it came."""

    connection: str
    """Alias of the connection that it came over."""

    @property
    def operation(self) -> str:
        """What was asked for, in the log's words: `completion`, `embedding`, …"""
        return OPERATIONS.get(self.received.operation, self.received.operation)

    @property
    def model(self) -> str:
        return self.received.model

    @property
    def text(self) -> str:
        """All words of all messages, one message a paragraph."""
        return self.received.text

    @property
    def messages(self) -> list[dict[str, Any]]:
        """As Chat Completions has them."""
        return self.received.messages

    @property
    def schema(self) -> Any:
        """The JSON Schema that the answer is to satisfy; None where there is none."""
        return self.received.schema

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The functions that are offered, each with its `name`, `description` and `parameters`."""
        return self.received.tools

    @property
    def output_limit(self) -> int | None:
        """Most tokens of the answer."""
        return self.received.output_limit

    @property
    def streamed(self) -> bool:
        """Whether the answer is wanted piece by piece."""
        return self.received.streamed

    @property
    def files(self) -> Sequence[ReceivedFile]:
        return self.received.files

    @property
    def body(self) -> Any:
        """The parsed JSON, or the fields of a form."""
        return self.received.body

    def fits(self, criteria: Criteria) -> bool:
        """Whether it is one of those that are meant."""
        wanted = dict(criteria)
        text = wanted.pop("text", "")
        return str(text) in self.text and all(getattr(self, name) == value for name, value in wanted.items())

    def __str__(self) -> str:
        words = " ".join(self.text.split())
        said = words if len(words) <= SHOWN else f"{words[:SHOWN]}…"
        return f"{self.operation} of {self.model or 'no model'} over “{self.connection}”: {said}"


def check(criteria: Criteria) -> Criteria:
    """The same criteria.

    Raises:
        TypeError: there is no such criterion.
    """
    for name in criteria:
        if name not in Criteria.__annotations__:
            known = ", ".join(Criteria.__annotations__)
            raise TypeError(f"A question cannot be told by {name!r}: use some of {known}.")
    return criteria


def in_words(criteria: Criteria) -> str:
    """For a message: ` with text='card' and model='gpt-6-luna'`; empty where there are none."""
    told = " and ".join(f"{name}={value!r}" for name, value in criteria.items())
    return f" with {told}" if told else ""
