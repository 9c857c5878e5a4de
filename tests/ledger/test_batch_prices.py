"""What a model costs in a batch: its own price for that, else half at the providers that say so, else nobody knows."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from aiops.calls.models import Call
from aiops.execution.repricing import reprice
from aiops.gateway.connections import connection_from
from aiops.gateway.usage import Usage
from aiops.ledger.batch_prices import batch_price_of
from aiops.ledger.own_prices import OwnPrice
from aiops.ledger.prices import price_of

pytestmark = pytest.mark.django_db

MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


def at(provider="openai", **more):
    return connection_from("default", {"BASE_URL": "https://llm.example/v1", "PROVIDER": provider, **more})


def own(**rates):
    return OwnPrice.objects.create(model="ours", starts_at=timezone.now() - timedelta(days=1), **rates)


def test_a_listed_price_of_batches_holds():
    now = timezone.now()
    usual, batch = price_of(at(), "gpt-5-mini", now), batch_price_of(at(), "gpt-5-mini", now)
    assert batch.tier == "batch"
    assert batch.cost(MILLION) * 2 == usual.cost(MILLION)


def test_where_there_is_none_it_is_half_at_openai_and_unknown_elsewhere():
    own(input_tokens=Decimal(2), output_tokens=Decimal(6))
    now = timezone.now()
    assert batch_price_of(at(), "ours", now).cost(MILLION) == 4_000_000_000
    assert batch_price_of(at("azure"), "ours", now).cost(MILLION) == 4_000_000_000
    assert batch_price_of(at("mistral"), "ours", now) is None


def test_an_own_price_of_batches_goes_before_all():
    own(input_tokens=Decimal(2), output_tokens=Decimal(6))
    own(input_tokens=Decimal(1), output_tokens=Decimal(1), tier="batch")
    for provider in ("openai", "mistral"):
        assert batch_price_of(at(provider), "ours", timezone.now()).cost(MILLION) == 2_000_000_000


def test_what_is_free_is_free_in_batches_too():
    assert batch_price_of(at("mistral", FREE=True), "anything", timezone.now()).is_free


def test_what_costs_by_the_hour_has_no_price_of_batches():
    own(server_hour=Decimal(3), connection="default")
    assert batch_price_of(at(), "ours", timezone.now()) is None


def test_calls_of_batches_are_repriced_as_such(provider):
    own(input_tokens=Decimal(2), output_tokens=Decimal(6))
    now = timezone.now()
    facts = {"model_asked": "ours", "connection": "default", "status": "succeeded", "started_at": now, "ended_at": now}
    used = {"input_tokens": 1000, "output_tokens": 1000, "batch_id": 7}
    tiered = Call.objects.create(**facts, **used, cost=1, price={"tier": "batch", "source": "x"})
    unpriced = Call.objects.create(**facts, **used, cost=None, price=None)
    reprice(now - timedelta(hours=1), now + timedelta(hours=1))
    for call in (tiered, unpriced):
        call.refresh_from_db()
        assert (call.cost, call.price["tier"]) == (4_000_000, "batch")
