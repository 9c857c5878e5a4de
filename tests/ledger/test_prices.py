"""What usage costs, to the nano-dollar. Rates are written beside each case, in dollars a million tokens."""

from datetime import UTC, datetime

import pytest

from aiops.gateway.connections import connection_from
from aiops.gateway.usage import Usage
from aiops.ledger.prices import price_of

pytestmark = pytest.mark.django_db

NOV = datetime(2026, 11, 20, tzinfo=UTC)
OPENAI = connection_from("openai", {"BASE_URL": "https://api.openai.com/v1", "API_KEY": "x"})
LOCAL = connection_from("local", {"BASE_URL": "http://127.0.0.1:8077/v1", "API_KEY": None, "FREE": True})


@pytest.mark.parametrize(
    ("usage", "nanos"),
    [
        # gpt-6-luna: input 0.10, cached 0.01, cache write 0.125, output 0.50
        (Usage(input_tokens=1_000_000), 100_000_000),
        (Usage(output_tokens=1_000_000 // 4), 125_000_000),
        (Usage(input_tokens=100, output_tokens=20), 100 * 100 + 20 * 500),
        (Usage(input_tokens=100, cached_tokens=1000, output_tokens=20), 100 * 100 + 1000 * 10 + 20 * 500),
        (Usage(cache_write_tokens=1000), 125_000),
        (Usage(output_tokens=10, reasoning_tokens=90), 100 * 500),
        # Beyond 272,000 tokens of input: 0.20 and 0.75 for all of it
        (Usage(input_tokens=272_000, output_tokens=100), 272_000 * 100 + 100 * 500),
        (Usage(input_tokens=272_001, output_tokens=100), 272_001 * 200 + 100 * 750),
        (Usage(), 0),
        # Nobody gave a rate for sound.
        (Usage(input_tokens=10, input_audio_tokens=5), None),
    ],
)
def test_what_luna_costs(usage, nanos):
    if usage.input_tokens == 1_000_000:
        nanos *= 2  # A long context.
    assert price_of(OPENAI, "gpt-6-luna", NOV).cost(usage) == nanos


def test_the_ceiling_covers_whichever_bucket_the_provider_counts_in():
    price = price_of(OPENAI, "gpt-6-luna", NOV)
    ceiling = price.ceiling(1000, 100)
    for usage in (
        Usage(input_tokens=1000, output_tokens=100),
        Usage(cached_tokens=1000, output_tokens=100),
        Usage(cache_write_tokens=1000, reasoning_tokens=100),
    ):
        assert price.cost(usage) <= ceiling
    assert ceiling == 1000 * 125 + 100 * 500


def test_a_free_connection_costs_nothing_whatever_the_model():
    price = price_of(LOCAL, "some-model-of-ours", NOV)
    assert price.cost(Usage(input_tokens=10**9)) == 0
    assert price.ceiling(10**9, 10**9) == 0


def test_an_unknown_model_has_no_price_rather_than_a_price_of_zero():
    assert price_of(OPENAI, "some-model-of-ours", NOV) is None


def test_the_log_keeps_what_a_cost_was_made_with():
    kept = price_of(OPENAI, "gpt-6-luna", NOV).as_json
    assert kept["source"].startswith("genai-prices ")
    assert kept["model"] == "gpt-6-luna"
    assert kept["nano_dollars_per_token"]["input_tokens"] == [[0, "100.0"], [272000, "200.0"]]
