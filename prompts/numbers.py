"""Whole numbers out of an address, a form or a command line."""

from __future__ import annotations

LARGEST = 2**63 - 1
"""No column holds more, and a database that is asked for more fails instead of finding nothing."""


def number_in(text: str) -> int | None:
    """The number that a text says, from 0 to `LARGEST`; None where it says none of these."""
    # The length first: Python itself refuses to read thousands of digits.
    if not text.isdecimal() or len(text) > len(str(LARGEST)):
        return None
    number = int(text)
    return number if number <= LARGEST else None
