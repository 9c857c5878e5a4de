"""What the provider says of its limits is kept to without anybody writing it down."""

import httpx2
import pytest

from aiops.limits.errors import TooBusy
from aiops.limits.learning import learn, seconds_of
from aiops.limits.limits import Limits, limits_of
from aiops.limits.take import take


def headers(**said):
    return httpx2.Headers({f"X-RateLimit-{name.replace('_', '-')}": value for name, value in said.items()})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120ms", 0.12),
        ("6m0s", 360),
        ("1h2m3.5s", 3723.5),
        ("7", 7),
        ("0s", 0),
        ("1.5", 1.5),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("3 parsecs", None),
        ("nan", None),
        ("1e999", None),
    ],
)
def test_spans_are_read_as_providers_write_them(text, seconds):
    assert seconds_of(text) == seconds


def test_limits_are_learned_from_an_answer(limited, model):
    connection = limited()
    learn(connection, model, headers(limit_requests="500", limit_tokens="30000", remaining_requests="499"))
    assert limits_of(connection, model) == Limits(requests_per_minute=500, tokens_per_minute=30_000)
    assert limits_of(connection, "another") == Limits()
    learn(connection, model, headers(limit_requests="1000", limit_tokens="30000"))
    assert limits_of(connection, model).requests_per_minute == 1000


def test_what_the_settings_say_goes_before_what_the_provider_says(limited, model):
    connection = limited(REQUESTS_PER_MINUTE=100, MODEL_LIMITS={model: {"TOKENS_PER_MINUTE": None}})
    learn(connection, model, headers(limit_requests="500", limit_tokens="30000"))
    assert limits_of(connection, model) == Limits(requests_per_minute=100)


@pytest.mark.parametrize("value", ["0", "-1", "many", "", "1e9", "²", "9" * 20])
def test_a_limit_that_cannot_be_is_not_learned(limited, model, value):
    connection = limited()
    learn(connection, model, {"x-ratelimit-limit-requests": value})
    assert limits_of(connection, model) == Limits()


def test_an_answer_without_headers_changes_nothing(limited, model):
    connection = limited()
    learn(connection, model, headers(limit_requests="500"))
    learn(connection, model, {})
    assert limits_of(connection, model) == Limits(requests_per_minute=500)


def test_a_learned_limit_is_kept_to(limited, transactional_db, model):
    connection = limited()
    learn(connection, model, headers(limit_requests="1"))
    with take(connection, model):
        pass
    with take(connection, model):
        pass  # A person's call may be early by one.
    with pytest.raises(TooBusy), take(connection, model, deadline=2):
        pass


def test_an_account_that_others_have_used_up_is_waited_for(limited, transactional_db, model):
    connection = limited()
    learn(connection, model, headers(limit_requests="10", remaining_requests="0", reset_requests="6m0s"))
    with pytest.raises(TooBusy) as error, take(connection, model, deadline=2):
        pass
    assert 30 < error.value.retry_after <= 36
