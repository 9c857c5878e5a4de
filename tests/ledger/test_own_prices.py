"""Prices of one's own: which one holds, and what calls cost by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from aiops import get_openai_client
from aiops.calls.models import Call
from aiops.gateway.connections import connection_from
from aiops.gateway.testing import Answer
from aiops.gateway.usage import Usage
from aiops.ledger.models import BudgetPeriod
from aiops.ledger.own_prices import OwnPrice
from aiops.ledger.prices import price_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OPENAI = connection_from("default", {"API_KEY": "x"})
LOCAL = connection_from("local", {"BASE_URL": "http://127.0.0.1:8077/v1", "API_KEY": None, "FREE": True})


def own(model, rate=3, connection="", starts_at=NOW - timedelta(days=30), ends_at=None, tier="", **rates):
    price = OwnPrice(model=model, connection=connection, starts_at=starts_at, ends_at=ends_at, tier=tier)
    for name, value in (rates or {"input_tokens": rate, "output_tokens": rate}).items():
        setattr(price, name, Decimal(str(value)))
    price.full_clean()
    price.save()
    return price


def of(model="gpt-6-luna", connection=OPENAI, at=NOW):
    """Dollars for a million tokens of input."""
    price = price_of(connection, model, at)
    nanos = price and price.cost(Usage(input_tokens=1000))
    return None if nanos is None else nanos / 1_000_000


def test_it_goes_before_the_price_data_and_says_so():
    assert of() == 0.1
    made = own("gpt-6-luna", 3)
    assert of() == 3
    assert price_of(OPENAI, "gpt-6-luna", NOW).as_json == {
        "source": f"own price {made.pk}",
        "model": "gpt-6-luna",
        "formula": 1,
        "nano_dollars_per_token": {
            name: [[0, "3000.000000"]]
            for name in (
                "input_tokens",
                "cached_tokens",
                "cache_write_tokens",
                "input_image_tokens",
                "output_tokens",
                "reasoning_tokens",
            )
        },
    }
    made.delete()
    assert of() == 0.1


def test_a_model_that_nobody_knows_has_a_price_by_it():
    assert of("house-model") is None
    own("house-model", 7)
    assert of("house-model") == 7


def test_the_most_exact_of_several_holds():
    own("*", 1)
    assert of() == 1
    own("gpt-*", 2)
    own("gpt-6-*", 3)
    assert of() == 3
    own("gpt-6-luna", 4)
    assert of() == 4
    own("*", 5, connection="default")
    assert of() == 5
    own("gpt-6-luna", 6, connection="default")
    assert of() == 6
    own("gpt-6-luna", 7, connection="elsewhere")
    assert of() == 6


@pytest.mark.parametrize(
    ("pattern", "model", "holds"),
    [
        ("gpt-6-luna", "gpt-6-luna-2026-09-01", True),
        ("gpt-6-luna", "gpt-6-luna-pro", False),
        ("gpt-6.1-*", "gpt-6x1-sol", False),
        ("gpt-6.1-*", "gpt-6.1-sol-2026-10-01", True),
        ("*luna*", "ft:gpt-6-luna:shop::1", True),
        ("gpt-6-luna", "GPT-6-luna", False),
    ],
)
def test_what_a_name_or_a_pattern_means(pattern, model, holds):
    made = own(pattern, 9)
    assert made.holds("default", model, NOW) is holds


def test_it_holds_from_one_moment_to_another():
    own("gpt-6-luna", 3, starts_at=NOW - timedelta(days=9), ends_at=NOW)
    own("gpt-6-luna", 4, starts_at=NOW)
    moments = [NOW - timedelta(days=10), NOW - timedelta(days=9), NOW - timedelta(seconds=1), NOW]
    assert [of(at=moment) for moment in moments] == [0.1, 3, 3, 4]


def test_a_free_connection_stays_free_unless_it_is_meant_itself():
    own("*", 3)
    assert of(connection=LOCAL) == 0
    own("*", 4, connection="local")
    assert of(connection=LOCAL) == 4


@pytest.mark.parametrize(
    ("rates", "usage", "nanos"),
    [
        ({"input_tokens": 2}, Usage(cached_tokens=10, cache_write_tokens=10, input_image_tokens=10), 60_000),
        ({"input_tokens": 2, "cached_tokens": "0.5"}, Usage(input_tokens=10, cached_tokens=10), 25_000),
        ({"input_tokens": 2}, Usage(input_tokens=10, output_tokens=1), None),
        ({"input_tokens": 2, "output_tokens": 4}, Usage(output_tokens=1, reasoning_tokens=2), 12_000),
        ({"input_tokens": 2}, Usage(input_audio_tokens=1), None),
        (
            {"input_audio_tokens": 40, "output_audio_tokens": 80},
            Usage(input_audio_tokens=1, output_audio_tokens=1),
            120_000,
        ),
        ({"audio_hour": "0.36"}, Usage(input_audio_ms=1500), 150_000),
        ({"million_characters": 15}, Usage(input_characters=200), 3_000_000),
        ({"input_tokens": "0.000001"}, Usage(input_tokens=1_000_000), 1000),
        ({"input_tokens": 0, "output_tokens": 0}, Usage(input_tokens=10**6, output_tokens=10**6), 0),
    ],
)
def test_each_bucket_has_its_rate(rates, usage, nanos):
    own("gpt-6-luna", **rates)
    assert price_of(OPENAI, "gpt-6-luna", NOW).cost(usage) == nanos


def test_a_call_costs_what_it_says_and_holds_what_it_may_cost(provider, budget):
    own("gpt-6-luna", 1000, starts_at=timezone.now() - timedelta(days=1))
    provider.reply_with(Answer(text="Hello.", model="gpt-6-luna-2026-09-01"))
    get_openai_client().chat_completion("Hello.", max_tokens=20)
    call = Call.objects.get()
    assert call.cost == (call.tokens_in + call.tokens_out) * 1_000_000
    assert call.price["source"].startswith("own price ")
    assert BudgetPeriod.objects.get().settled == call.cost


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"input_tokens": -1}, "greater than or equal to 0"),
        ({}, "Give at least one rate; zero where it costs nothing."),
        ({"input_tokens": 1, "ends_at": NOW - timedelta(days=31)}, "It ends before it begins."),
        ({"input_tokens": 1, "starts_at": NOW - timedelta(days=60)}, "Another price of it holds from 2026-10-21 12:00"),
        ({"input_tokens": 1, "starts_at": NOW + timedelta(days=60)}, "Another price of it holds from 2026-10-21 12:00"),
        ({"input_tokens": "0.0000001"}, "no more than 6 decimal places"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, sentence):
    own("gpt-6-luna")
    price = OwnPrice(**{"model": "gpt-6-luna", "starts_at": NOW, **fields})
    with pytest.raises(ValidationError, match=sentence):
        price.full_clean()


def test_one_after_the_other_is_no_overlap():
    own("gpt-6-luna", ends_at=NOW)
    own("gpt-6-luna", starts_at=NOW)
    own("gpt-6-luna", connection="default")
    assert OwnPrice.objects.count() == 3


def test_the_database_refuses_it_too():
    with pytest.raises(IntegrityError), transaction.atomic():
        OwnPrice.objects.create(model="a", starts_at=NOW, ends_at=NOW)


def test_a_price_is_that_of_its_tier_and_no_other():
    own("gpt-6-luna", 3)
    own("gpt-6-luna", 9, tier="priority")

    def of_tier(tier):
        return price_of(OPENAI, "gpt-6-luna", NOW, tier=tier).cost(Usage(input_tokens=1000)) / 1_000_000

    # What is not said here, the price data says.
    assert [of_tier(""), of_tier("priority"), of_tier("flex")] == [3, 9, 0.05]
