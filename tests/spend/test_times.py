"""Medians and the like, read off buckets: how right they are."""

import random
from math import ceil

import pytest

from aiops.calls.spend import EDGES, TIMES, bucket_of, time_below_which


def counts_of(times):
    counts = dict.fromkeys(TIMES, 0)
    for one in times:
        counts[bucket_of(one)] += 1
    return list(counts.values())


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("seed", range(5))
def test_they_are_right_within_12_percent(share, seed):
    dice = random.Random(seed)
    times = sorted(min(190_000, int(40 + dice.lognormvariate(7, 1.5))) for _ in range(1 + seed * 100))
    true = times[ceil(share * len(times)) - 1]
    assert abs(time_below_which(share, counts_of(times)) - true) <= 0.12 * true


@pytest.mark.parametrize(("times", "told"), [([], None), ([3], 36), ([10**9], EDGES[-1]), ([40], 45), ([49], 45)])
def test_at_the_ends(times, told):
    assert time_below_which(0.5, counts_of(times)) == told


def test_every_time_has_its_bucket_in_order():
    names = [bucket_of(time) for time in range(0, 250_000, 7)]
    assert names == sorted(names)
    assert (names[0], names[-1]) == (TIMES[0], TIMES[-1])
