"""What came back, once it is known to be complete or why it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiops.gateway.usage import Usage

USUAL_TIERS = ("default", "auto", "standard")
"""What providers call the service tier of whoever asked for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A function of ours that the model wants called."""

    id: str
    """The provider's name for this wish; the answer to it carries the same."""

    name: str
    arguments: str
    """JSON, as the model wrote it: perhaps none at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One answer of a provider."""

    text: str
    """What the model said; of a transcription, what was heard. Empty where the answer is of another kind."""

    model: str
    """The model that answered, as the provider names it; may be a dated form of the one that was asked."""

    finish_reason: str
    """`stop`, `length`, `tool_calls`, `content_filter`, …; empty when the provider gave none."""

    refusal: str = ""

    tool_calls: Sequence[ToolCall] = ()

    others: Sequence[str] = ()
    """The texts of further choices, where more than one was asked for."""

    usage: Usage | None = None
    """None when the provider reported none, or nonsense: unknown, not zero."""

    raw_usage: Mapping[str, Any] = field(default_factory=dict)

    request_id: str = ""
    """The provider's own name for this exchange; what its support asks for."""

    first_byte_ms: int | None = None
    """Milliseconds from sending to the first byte of the answer; None where it was not measured."""

    total_ms: int | None = None

    body: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The provider's answer as it came, parsed."""

    result: Any = field(default=None, repr=False)
    """What an answer holds that is neither text nor tool call: vectors, sound, flags, probabilities."""

    @property
    def tier(self) -> str:
        """The service tier that it was answered in, and is billed by; empty for the usual one."""
        told = self.body.get("service_tier")
        return told[:16] if isinstance(told, str) and told not in USUAL_TIERS else ""
