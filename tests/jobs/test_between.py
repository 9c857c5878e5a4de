"""Bounds of what is not known yet: whether they hold as often as they say."""

from __future__ import annotations

import random

import pytest

from aiops.jobs.quote.between import Between, Measured, Whole, errors_to_either_side


@pytest.mark.parametrize(
    ("measured", "more"), [(200, 1), (200, 5), (200, 20), (200, 100), (20, 20), (20, 180), (5, 95), (100, 5000)]
)
def test_ninety_five_of_a_hundred_hold_even_where_answers_are_of_very_different_lengths(measured, more):
    """Not ninety-nine: lengths are skewed, the long ones are rare, and so few were measured."""
    chance = random.Random(f"{measured} {more}")

    def length():
        return chance.lognormvariate(3, 0.47)

    held = 0
    for _ in range(400):
        bounds = Measured.of([length() for _ in range(measured)]).mean_of(more)
        held += bounds.low <= sum(length() for _ in range(more)) / more <= bounds.high
    assert held >= 380


def test_the_fewer_were_measured_the_wider_they_are():
    widths = [errors_to_either_side(count) for count in (2, 3, 5, 9, 10, 21, 200)]
    assert widths == sorted(widths, reverse=True)
    assert (widths[0], widths[-1]) == (63.66, 2.66)


def test_bounds_add_up_in_whole_units():
    assert Between(1.4, 1.5, 1.6).total(3) == Whole(4, 4, 5)
    assert Between(1.4, None, 1.6).within(1.5, 2).widened(0.1) == Between(1.35, None, 1.6 * 1.1)
