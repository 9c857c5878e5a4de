"""What one side counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

Key = tuple[date, str]
"""The day, of UTC, and the model by the name that both sides share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one side counted of a model on a day. None: it does not say."""

    calls: int | None = None

    cost: int | None = None
    """Nano-dollars, of the calls whose cost is known; None where none of them is."""

    unknown: int = 0
    """Of the calls, those whose cost nobody knows: they are not in `cost`."""

    tokens_in: int | None = None
    """All that was read, whatever its price."""

    tokens_out: int | None = None
    """All that was written, reasoning included."""

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            calls=_sum(self.calls, other.calls),
            cost=_sum(self.cost, other.cost),
            unknown=self.unknown + other.unknown,
            tokens_in=_sum(self.tokens_in, other.tokens_in),
            tokens_out=_sum(self.tokens_out, other.tokens_out),
        )

    @classmethod
    def of(cls, parts: Iterable[Figures]) -> Figures:
        """The sum of all."""
        total = cls()
        for part in parts:
            total += part
        return total

    @property
    def tokens(self) -> int | None:
        """Read and written."""
        return _sum(self.tokens_in, self.tokens_out)


NOTHING = Figures()


def _sum(one: int | None, other: int | None) -> int | None:
    if one is None:
        return other
    return one if other is None else one + other
