"""An amount that is not known yet: between what and what it is, and what it likely is."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Self

MARGIN = 0.03
"""What comes is never quite like what was."""

STUDENT = {
    1: 63.66,
    2: 9.92,
    3: 5.84,
    4: 4.60,
    5: 4.03,
    6: 3.71,
    8: 3.36,
    10: 3.17,
    15: 2.95,
    20: 2.85,
    30: 2.75,
    60: 2.66,
}
"""Degrees of freedom → how many standard errors hold 99 of 100, on both sides. Student's distribution."""


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


@dataclass(frozen=True, slots=True)
class Whole:
    """Bounds in whole tokens, nano-dollars or seconds."""

    low: int
    likely: int | None
    high: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Some of many that are alike, measured."""

    mean: float
    deviation: float
    """Standard deviation of one."""

    count: int
    """How many were measured, two at least."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """At least two values."""
        return cls(fmean(values), stdev(values), len(values))

    def mean_of(self, more: int) -> Between:
        """The mean of so many others. The fewer they are, the further it may be from the mean of these."""
        return Between(self.mean - self._spread(more), self.mean, self.mean + self._spread(more))

    def _spread(self, more: int) -> float:
        error = self.deviation * math.sqrt(1 / self.count + 1 / max(1, more))
        return errors_to_either_side(self.count) * error + MARGIN * abs(self.mean)


def errors_to_either_side(measured: int) -> float:
    """How many standard errors on either side of a mean of so many hold 99 of 100."""
    known = list(STUDENT)
    return STUDENT[known[max(0, bisect_right(known, measured - 1) - 1)]]
