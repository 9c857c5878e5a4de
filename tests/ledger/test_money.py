"""Money for people, and back."""

from decimal import Decimal

import pytest

from aiops.ledger.money import dollars, to_dollars, to_nanos


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "$0.00"),
        (None, "unknown"),
        (12_400_000_000, "$12.40"),
        (1_234_567_890_000, "$1,234.57"),
        (400_000, "$0.00040"),
        (7_100_000, "$0.0071"),
        (52_300, "$0.000052"),
        (1, "$0.0000000010"),
        (999_000_000, "$1.00"),
        (120_000_000, "$0.12"),
        (-2_500_000_000, "-$2.50"),
    ],
)
def test_as_many_digits_as_matter(nanos, text):
    assert dollars(nanos) == text


def test_dollars_and_nano_dollars_are_exact():
    assert to_nanos(Decimal("0.1234567891")) == 123456789
    assert to_dollars(123456789) == Decimal("0.123456789")
