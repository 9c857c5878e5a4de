"""What one call asks, before any provider's dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from aiops.gateway.shown import without_data
from aiops.gateway.sizes import SCHEMA_IN_WORDS, most_input_tokens
from aiops.gateway.usage import Usage


class AnyRequest(Protocol):
    """What every kind of request says of itself, whatever it asks for."""

    @property
    def operation(self) -> str:
        """The word of the log: `completion`, `embedding`, …"""

    @property
    def connection(self) -> str: ...

    @property
    def model(self) -> str: ...

    def most(self) -> Usage:
        """The most that one attempt can use, each bucket at its bound: what is held for it."""

    def counted(self) -> Usage | None:
        """What was used, where that is known without the provider saying so."""

    def shown(self) -> Sequence[Mapping[str, object]]:
        """What the log keeps of what was asked, as messages."""

    def settings(self) -> Mapping[str, Any]:
        """What the log keeps beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to one model over one connection."""

    operation: ClassVar[str] = "completion"

    connection: str
    """Alias in `AIOPS["CONNECTIONS"]`."""

    model: str

    messages: Sequence[Mapping[str, object]]
    """`role` and `content` of each, in the order in which they are sent, in the words of Chat Completions."""

    output_limit: int
    """Most tokens that the answer may have, reasoning included. Always sent: a hold needs a bound."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Sampling and the like, in the words of Chat Completions (`temperature`, `tools`, `reasoning_effort`, …)."""

    schema: Mapping[str, Any] | None = None
    """JSON Schema (2020-12) that the answer must satisfy; None for free text."""

    schema_name: str = ""
    """At most 64 characters of `[A-Za-z0-9_-]`; required with a schema."""

    strict: bool = True
    """Whether the schema keeps to what providers can enforce; else they take it as advice, and we alone judge by it."""

    prompt_cache_key: str = ""
    """The same for requests that begin alike: the provider sends them where it has read that beginning before. Sent to
    providers that know it, unless a parameter of the same name says otherwise."""

    def most(self) -> Usage:
        beside = [self.schema, *(part for part in self.parameters.values() if isinstance(part, dict | list | tuple))]
        choices = self.parameters.get("n", 1)
        return Usage(
            input_tokens=most_input_tokens(self.messages, beside=[part for part in beside if part])
            + (SCHEMA_IN_WORDS if self.schema else 0),
            output_tokens=self.output_limit * (choices if isinstance(choices, int) else 1),
        )

    def counted(self) -> Usage | None:
        return None

    def shown(self) -> Sequence[Mapping[str, object]]:
        return without_data(self.messages)

    def settings(self) -> Mapping[str, Any]:
        return {**self.parameters, "output_limit": self.output_limit}
