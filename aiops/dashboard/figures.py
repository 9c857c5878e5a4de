"""What calls came to, added up over days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Self

from aiops.calls.spend import COUNTED, TIMES, time_below_which

_counted = attrgetter(*COUNTED)


@dataclass(slots=True)
class Figures:
    """Money is nano-dollars, of the calls whose cost is known. The first fields are `COUNTED`, in their order."""

    calls: int = 0
    failed: int = 0
    unknown: int = 0
    unknown_costs: int = 0
    reused: int = 0
    cost: int = 0
    saved: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    times: Sequence[int] | None = field(default=None, kw_only=True)
    """How many calls took how long, by bucket; None where that was not read."""

    @classmethod
    def sum(cls, some: Iterable[Self]) -> Self:
        """All of them together, without times."""
        columns = list(zip(*map(_counted, some), strict=True))
        return cls.of([sum(column) for column in columns] if columns else [0] * len(COUNTED))

    @classmethod
    def of(cls, counted: Iterable[Any]) -> Self:
        """From the columns `COUNTED`, in their order. A sum of PostgreSQL is a decimal number."""
        return cls(*map(int, counted))

    def less(self, other: Figures) -> Figures:
        """What is left when the others are taken away; nobody knows how long that took."""
        return Figures.of(max(0, mine - theirs) for mine, theirs in zip(_counted(self), _counted(other), strict=True))

    def timed(self, some: Iterable[Sequence[int]]) -> Figures:
        """With times: those of all these together."""
        times = [sum(column) for column in zip(*some, strict=True)]
        return replace(self, times=times or [0] * len(TIMES))

    @property
    def errors(self) -> float | None:
        """Percent of the calls that failed; None where there were none."""
        return 100 * self.failed / self.calls if self.calls else None

    @property
    def median(self) -> int | None:
        """Milliseconds; None where no call was timed, or that was not read."""
        return time_below_which(0.5, self.times) if self.times is not None else None

    @property
    def p95(self) -> int | None:
        """As `median`: nineteen of twenty calls took no longer."""
        return time_below_which(0.95, self.times) if self.times is not None else None
