"""Ages as people type them: `7d`, `12h`, `30m`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import timedelta

from prompts.numbers import number_in

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

OLDEST = timedelta(days=100 * 365)
"""No row of ours is older, and no date goes back much further than some of these."""


def age(text: str) -> timedelta:
    """A type for argparse.

    Raises:
        ArgumentTypeError: it is no age, or one that nothing can have.
    """
    number, unit = number_in(text[:-1]), UNITS.get(text[-1:])
    if number is None or unit is None:
        raise ArgumentTypeError(f"{text} is no age: write a number and a unit, as in 30m, 12h, 7d or 2w")
    try:
        found = timedelta(**{unit: number})
    except OverflowError:
        found = OLDEST
    if found >= OLDEST:
        raise ArgumentTypeError(f"{text} is longer than anything is kept")
    return found
