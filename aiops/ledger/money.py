"""Nano-dollars inside, dollars at the edge."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext

NANOS = 1_000_000_000
"""Nano-dollars in a dollar."""


def to_nanos(dollars: Decimal) -> int:
    """Dollars as nano-dollars, to the nearest."""
    return int((dollars * NANOS).to_integral_value(ROUND_HALF_UP))


def to_dollars(nanos: int) -> Decimal:
    """Nano-dollars as dollars, exactly."""
    return Decimal(nanos).scaleb(-9)


def dollars(nanos: int | None) -> str:
    """Money for people, with as many digits as matter: `$12.40`, `$0.0071`, `$0.00`; None is `unknown`, never zero."""
    if nanos is None:
        return gettext("unknown")
    sign = "-" if nanos < 0 else ""
    if abs(nanos) >= NANOS:
        # Half a cent is rounded up; whole numbers are quicker, and some pages are full of these.
        cents = (abs(nanos) + 5_000_000) // 10_000_000
        return f"{sign}${cents // 100:,}.{cents % 100:02}"
    amount = abs(to_dollars(nanos))
    places = 2
    if 0 < amount < 1:
        # Two digits that say something, however small the amount.
        places = max(2, 1 - amount.adjusted())
    return f"{sign}${amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,f}"
