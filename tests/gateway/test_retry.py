"""When a call is sent again."""

import pytest

from aiops.gateway.errors import (
    BadKey,
    BadRequest,
    Interrupted,
    Malformed,
    QuotaExhausted,
    RateLimited,
    ServerFault,
    Unreachable,
)
from aiops.gateway.retry import GiveUp, RetryPolicy, Wait, jittered

POLICY = RetryPolicy(attempts=4, first_wait=0.5, longest_wait=30, deadline=120)


@pytest.mark.parametrize(
    ("error", "attempt", "elapsed", "expected"),
    [
        (ServerFault("x"), 1, 0, Wait(0.5)),
        (ServerFault("x"), 2, 0, Wait(1.0)),
        (ServerFault("x"), 3, 0, Wait(2.0)),
        (ServerFault("x"), 4, 0, GiveUp("4 attempts")),
        (Unreachable("x"), 1, 0, Wait(0.5)),
        (Interrupted("x"), 1, 0, Wait(0.5)),
        (RateLimited("x"), 1, 0, Wait(0.5)),
        (RateLimited("x", retry_after=3.0), 1, 0, Wait(3.0)),
        (RateLimited("x", retry_after=0.0), 1, 0, Wait(0.5)),
        (RateLimited("x", retry_after=30.0), 1, 0, Wait(30.0)),
        (RateLimited("x", retry_after=1e9), 1, 0, GiveUp("the provider asks for 1000000000 seconds")),
        (RateLimited("x", retry_after=20.0), 1, 101, GiveUp("120 seconds are over")),
        (ServerFault("x"), 1, 119.6, GiveUp("120 seconds are over")),
        (QuotaExhausted("x"), 1, 0, GiveUp("trying again will not help")),
        (BadKey("x"), 1, 0, GiveUp("trying again will not help")),
        (BadRequest("x"), 1, 0, GiveUp("trying again will not help")),
        (Malformed("x"), 1, 0, GiveUp("trying again will not help")),
        (ZeroDivisionError(), 1, 0, GiveUp("trying again will not help")),
    ],
)
def test_what_to_do_after_an_error(error, attempt, elapsed, expected):
    assert POLICY.decide(error, attempt, elapsed) == expected


def test_waits_are_never_shorter_than_decided_and_at_most_a_quarter_longer():
    assert jittered(Wait(4.0), spread=lambda: 0.0) == 4.0
    assert jittered(Wait(4.0), spread=lambda: 1.0) == 5.0
    assert jittered(GiveUp("4 attempts")) == 0.0
