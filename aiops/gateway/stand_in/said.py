"""What a reply says, before it is put in the words of an API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Unset(Enum):
    """Tells "not said" from None, which means "leave it out"."""

    UNSET = "unset"


UNSET = Unset.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why the model gave up on its way."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One function that the model wants called."""

    name: str
    arguments: str
    """JSON, as a model writes it: it may be none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer of a model."""

    text: str | None = None

    data: Any = UNSET
    """The same before it was written as JSON; what an API of numbers answers with."""

    refusal: str | None = None

    tool_calls: tuple[ToolCall, ...] = ()

    others: tuple[Said, ...] = ()
    """The further choices, where several were asked for."""

    probabilities: Mapping[Any, float] | None = None
    """How likely each choice was that the answer could have made."""

    finish_reason: str | None = "stop"
    """In the words of Chat Completions; None leaves it out."""

    nothing: bool = False
    """Neither a choice nor an item of output."""

    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """What one answer costs, as the server counts it for itself."""

    tokens_in: int = 0
    tokens_out: int = 0

    seconds: float = 0.0
    """Of a recording that was listened to."""

    characters: int = 0
    """That were read aloud."""


def told(usage: Mapping[str, Any] | None, tokens_in: str, tokens_out: str) -> Billed | None:
    """The two totals of a usage object, by their names in it; None where it makes no sense."""
    counts = [(usage or {}).get(name) for name in (tokens_in, tokens_out)]
    if all(type(count) is int and count >= 0 for count in counts):
        return Billed(tokens_in=counts[0] or 0, tokens_out=counts[1] or 0)
    return None
