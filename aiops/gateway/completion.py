"""What came back, once it is known to be complete or why it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiops.gateway.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One answer of a provider."""

    text: str

    model: str
    """The model that answered, as the provider names it; may be a dated form of the one that was asked."""

    finish_reason: str
    """`stop`, `length`, `content_filter`, …; empty when the provider gave none."""

    refusal: str = ""

    usage: Usage | None = None
    """None when the provider reported none, or nonsense: unknown, not zero."""

    raw_usage: Mapping[str, Any] = field(default_factory=dict)

    request_id: str = ""
    """The provider's own name for this exchange; what its support asks for."""

    first_byte_ms: int | None = None
    """Milliseconds from sending to the first byte of the answer; None where it was not measured."""

    total_ms: int | None = None
