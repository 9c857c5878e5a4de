"""An answer, made up and counted, before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiops.gateway.stand_in.operation import JSON, Operation, Problem, Streamed
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import Billed, Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One answer, and the API whose words it takes."""

    operation: Operation
    received: Received
    said: Said

    id: str
    """Of the request, without its prefix."""

    model: str
    seed: int

    reasons: bool
    """The model thinks before it answers."""

    usage: Mapping[str, Any] | None
    """As it is told to the client; None tells nothing."""

    billed: Billed
    """As the server counts it for itself."""

    error: Problem | None
    """What is said instead, where this API has no words for it; it costs nothing."""

    def body(self) -> bytes:
        """The whole answer at once."""
        return self.operation.body(self) if self.error is None else self.error.body()

    @property
    def status(self) -> int:
        """Of the whole answer."""
        return 200 if self.error is None else self.error.status

    @property
    def content_type(self) -> str:
        """Of `body()`."""
        return self.operation.content_type(self) if self.error is None else JSON

    def streamed(self) -> Streamed:
        """The answer as server-sent events."""
        return self.operation.streamed(self)
