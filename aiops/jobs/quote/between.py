"""An amount that is not known yet: between what and what it is, and what it likely is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Self

SURENESS = 2.5
"""Standard errors on either side: 99 quotes of 100 hold, where the rows to come are like those that were measured."""


@dataclass(frozen=True, slots=True)
class Between:
    """Bounds of an amount. `likely` is None where nothing says where between them it is."""

    low: float
    likely: float | None
    high: float

    def map(self, change: Callable[[float], float]) -> Between:
        """The same change to all that is known. The change must keep the order."""
        likely = None if self.likely is None else change(self.likely)
        return Between(change(self.low), likely, change(self.high))

    def widened(self, share: float) -> Between:
        """By that share on either side."""
        return Between(self.low * (1 - share), self.likely, self.high * (1 + share))

    def within(self, least: float, most: float) -> Between:
        """No further than these."""
        return self.map(lambda value: min(max(value, least), most))

    def total(self, count: int) -> Whole:
        """Of so many, in whole units."""
        likely = None if self.likely is None else round(self.likely * count)
        return Whole(math.floor(self.low * count), likely, math.ceil(self.high * count))

    @classmethod
    def mean(cls, measured: Sequence[float], *, margin: float) -> Self:
        """The mean of all, by some that were measured.

        Args:
            measured: two of them at least.
            margin: what is added on either side as a share, since what comes is never quite like what was.
        """
        mean = fmean(measured)
        spread = SURENESS * stdev(measured) / math.sqrt(len(measured)) + margin * abs(mean)
        return cls(mean - spread, mean, mean + spread)


@dataclass(frozen=True, slots=True)
class Whole:
    """Bounds in whole tokens, nano-dollars or seconds."""

    low: int
    likely: int | None
    high: int
