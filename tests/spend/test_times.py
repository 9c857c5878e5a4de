"""Medians and the like, read off buckets: how right they are."""

import random
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops.calls.spend import EDGES, TIMES, bucket_of, time_below_which


def counts_of(times):
    counts = dict.fromkeys(TIMES, 0)
    for one in times:
        counts[bucket_of(one)] += 1
    return list(counts.values())


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("seed", range(5))
def test_of_many_they_are_right_within_a_few_percent(share, seed):
    dice = random.Random(seed)
    times = sorted(min(190_000, int(40 + dice.lognormvariate(7, 1.5))) for _ in range(2000))
    true = times[ceil(share * len(times)) - 1]
    assert abs(time_below_which(share, counts_of(times)) - true) <= 0.08 * true


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95])
@given(times=st.lists(st.integers(40, 190_000), min_size=1, max_size=20))
def test_of_few_they_are_never_off_by_more_than_half(share, times):
    true = sorted(times)[max(1, ceil(share * len(times))) - 1]
    told = time_below_which(share, counts_of(times))
    assert true / 1.55 <= told <= true * 1.55


@pytest.mark.parametrize(("times", "told"), [([], None), ([3], 33), ([10**9], EDGES[-1]), ([40], 49), ([49], 49)])
def test_at_the_ends(times, told):
    assert time_below_which(0.5, counts_of(times)) == told


def test_every_time_has_its_bucket_in_order():
    names = [bucket_of(time) for time in range(0, 250_000, 7)]
    assert names == sorted(names)
    assert (names[0], names[-1]) == (TIMES[0], TIMES[-1])
