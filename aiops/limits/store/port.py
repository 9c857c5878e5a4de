"""What a keeper of the state can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aiops.limits.limits import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A state as it was a moment ago."""

    text: str
    """Empty where nobody has kept any yet."""

    now: int
    """Microseconds since 1970, by the one clock that all processes go by."""

    store: Store
    """Who said so, and who is to be told of a change."""


class Store(Protocol):
    """Look, decide, swap: where another process was quicker, nothing is written and one looks again.

    So the policy is written once, in Python, and whoever keeps a text and can compare it can keep limits.
    """

    def read(self, key: Key) -> Seen:
        """The state now."""

    def swap(self, key: Key, old: str, new: str) -> bool:
        """Keep `new` where `old` still holds. Returns whether it did."""

    def at_home(self) -> None:
        """The calling thread is the one that will use this, and does nothing else with the database."""
