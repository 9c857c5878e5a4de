"""What one call asks, before any provider's dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to one model over one connection."""

    connection: str
    """Alias in `AIOPS["CONNECTIONS"]`."""

    model: str

    messages: Sequence[Mapping[str, object]]
    """`role` and `content` of each, in the order in which they are sent."""

    output_limit: int
    """Most tokens that the answer may have, reasoning included. Always sent: a hold needs a bound."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Sampling and the like, in the provider's own words (`temperature`, `seed`, `reasoning_effort`, …)."""

    schema: Mapping[str, Any] | None = None
    """JSON Schema (2020-12) that the answer must satisfy; None for free text."""

    schema_name: str = ""
    """At most 64 characters of `[A-Za-z0-9_-]`; required with a schema."""
