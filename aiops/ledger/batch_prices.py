"""What a model costs where it is asked in a batch."""

from __future__ import annotations

from datetime import datetime

from aiops.gateway.connections import Connection
from aiops.ledger.prices import BATCH, Price, price_of

HALF_IN_BATCHES = frozenset({"openai", "azure"})
"""Providers that answer batches for half the price, whatever the model."""


def batch_price_of(connection: Connection, model: str, at: datetime) -> Price | None:
    """What a model costs where it is asked in a batch; None when nobody knows.

    Where there is no price for that, it is half of the usual one at the providers that say so: OpenAI and Azure.
    """
    found = price_of(connection, model, at, tier=BATCH)
    if found is not None:
        return found
    usual = price_of(connection, model, at)
    if usual is None or usual.is_free:
        return usual
    if usual.an_hour or connection.provider not in HALF_IN_BATCHES:
        return None
    rates = {name: tuple((start, rate / 2) for start, rate in steps) for name, steps in usual.rates.items()}
    return Price(source=usual.source, model=usual.model, rates=rates, tier=BATCH)
