"""How long a call lasts: as long as the provider asks for within reason, and never beyond its deadline."""

from datetime import UTC, datetime, timedelta

import pytest

from aiops import OpenAITransportError
from aiops.gateway.retry import RetryPolicy
from aiops.gateway.testing import Drip, Flood, Hang, Status
from tests.faults.conftest import closed_row

SOON = RetryPolicy(attempts=2, first_wait=0.01, longest_wait=5.0)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"retry_after": "0"},
        {"retry_after": "-7"},
        {"retry_after": "soon"},
        {"retry_after": "0.05"},
        {"retry_after_ms": "50"},
        {"retry_after": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_a_provider_that_asks_to_wait_a_little_is_waited_for(ask, provider, told):
    provider.reply_with(Status(429, **told), "Lima.")
    assert ask(retry=SOON, timeout=60) == "Lima."
    row = closed_row()
    assert [attempt["kind"] for attempt in row.attempts] == ["rate_limited"]
    assert row.attempts[0]["waited"] < 5


@pytest.mark.parametrize(
    "told",
    [
        {"retry_after": "1000000000"},
        {"retry_after": "1e9"},
        {"retry_after_ms": "1e12"},
        {"retry_after": datetime.now(UTC) + timedelta(days=400)},
    ],
    ids=["seconds", "float", "ms", "date"],
)
def test_a_provider_that_asks_for_years_is_not_waited_for(ask, provider, told):
    provider.when(lambda _: True, Status(429, **told))
    with pytest.raises(OpenAITransportError) as caught:
        ask(timeout=60)
    row = closed_row()
    assert (row.error_kind, row.attempt_count, row.cost) == ("rate_limited", 1, 0)
    assert caught.value.retry_after > 10**6
    assert (caught.value.status_code, caught.value.retryable) == (429, True)


@pytest.mark.parametrize("code", ["insufficient_quota", "billing_hard_limit_reached"])
def test_an_account_without_credit_is_not_asked_twice(ask, provider, code):
    provider.when(lambda _: True, Status(429, code=code, retry_after="0"))
    with pytest.raises(OpenAITransportError, match="no credit left") as caught:
        ask()
    assert not caught.value.retryable
    assert len(provider.requests) == 1
    row = closed_row()
    assert (row.error_kind, row.cost) == ("quota_exhausted", 0)
    assert code in row.output


@pytest.mark.parametrize(
    "slow",
    [
        Hang(seconds=600),
        Hang(seconds=600, after_headers=True),
        Drip(seconds_per_byte=0.2),
        Flood(1 << 30, delay=600),
    ],
    ids=["says nothing", "says that it will", "a byte now and then", "a gigabyte, later"],
)
def test_whatever_takes_too_long_ends_with_the_deadline(ask, provider, slow):
    """Each would take minutes; that this comes to an end is what is shown."""
    provider.when(lambda _: True, slow)
    with pytest.raises(OpenAITransportError) as caught:
        ask(timeout=0.6)
    row = closed_row()
    assert row.error_kind == caught.value.kind == "interrupted"
    assert (row.status, row.cost) == ("failed", None)
    assert row.attempt_count == len(provider.requests) == 1


def test_failures_without_end_end_with_the_attempts(ask, provider):
    provider.when(lambda _: True, Status(500))
    with pytest.raises(OpenAITransportError, match="After 3 attempts: The provider failed"):
        ask()
    row = closed_row()
    assert [attempt["number"] for attempt in row.attempts] == [1, 2, 3] == [*range(1, len(provider.requests) + 1)]
    assert "The server had an error" in row.output


def test_failures_without_end_end_with_the_deadline(ask, provider):
    provider.when(lambda _: True, Status(503))
    with pytest.raises(OpenAITransportError):
        ask(retry=RetryPolicy(attempts=10**6, first_wait=0.01, longest_wait=0.05, deadline=1.0))
    row = closed_row()
    # The last of them may have been cut short.
    assert row.error_kind in ("server_fault", "interrupted")
    assert {attempt["kind"] for attempt in row.attempts[:-1]} == {"server_fault"}
    assert row.attempt_count >= len(provider.requests)
