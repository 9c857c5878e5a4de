"""What all processes know together of one connection and model: a short text, in the database or in Redis."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Times are whole microseconds since 1970 by the clock of whoever keeps the text."""

    requests_at: int = 0
    """When the next request may leave, were all of them evenly spaced."""

    tokens_at: int = 0
    """The same for tokens: each takes its part of a minute."""

    paused_until: int = 0
    """The provider asked for it."""

    people_until: int = 0
    """A person waits for one of the places in flight, so that no job may take one until then."""

    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Process → its requests in flight, and when that is no longer believed unless it says so again."""

    waiting: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Process → since when it has waited for a place without getting one, and until when that is believed."""

    @classmethod
    def load(cls, text: str) -> State:
        """Read what `dump` wrote; an empty or unreadable text is a fresh start."""
        try:
            known = json.loads(text)
            places, waiting = (
                {str(holder): (int(one), int(other)) for holder, (one, other) in known.pop(name).items()}
                for name in ("places", "waiting")
            )
            return cls(places=places, waiting=waiting, **{name: int(value) for name, value in known.items()})
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def dump(self) -> str:
        """As text; equal states give equal texts."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__}, separators=(",", ":"), sort_keys=True)
