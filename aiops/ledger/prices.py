"""What a model costs: rates by bucket, one's own, the connection's, or from the price data that comes with us."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, lru_cache
from typing import Any

from aiops.gateway.connections import Connection
from aiops.gateway.usage import Usage
from aiops.ledger.money import NANOS, to_nanos
from aiops.ledger.own_prices import OwnPrice, own_price

OWN_SOURCE = "own price "
"""What the source of a price of one's own begins with; its key follows."""

BATCH = "batch"
"""The tier of what is answered within a day."""

TOO_LOW = frozenset({"ultrafast"})
"""Tiers that the price data is known to price too low."""

FORMULA = 1
"""Version of the arithmetic below; kept with each cost."""

Rate = tuple[tuple[int, Decimal], ...]
"""Steps of (input tokens from which it holds, nano-dollars a token), rising; the first step is 0."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """What one model costs at one time. A bucket without a rate of its own is one that nobody can price."""

    source: str
    """Where the rates come from: `own price` and its number, `connection`, or the price data and its version."""

    model: str
    """The model as the source names it."""

    rates: Mapping[str, Rate] = field(default_factory=dict)
    """Field of `Usage` → rate. Empty: everything is free, but for the time."""

    an_hour: int | None = None
    """Nano-dollars for an hour of the server, where its time is all that costs: there are no rates then."""

    tier: str = ""
    """The service tier that it is for; empty for the usual one."""

    @property
    def is_free(self) -> bool:
        """Whether it costs nothing, whatever is used."""
        return not self.rates and not self.an_hour

    @property
    def is_own(self) -> bool:
        """Whether the site itself has given it."""
        return self.source.startswith(OWN_SOURCE)

    def cost(self, usage: Usage | None, took_ms: int | None = None) -> int | None:
        """Nano-dollars for a usage; None when it is unknown, or a bucket that was used has no rate.

        Args:
            took_ms: milliseconds that the attempt took; None: unknown, which matters where time is what costs.
        """
        if self.is_free:
            return 0
        if self.an_hour:
            return None if took_ms is None else share_of_hour(self.an_hour, took_ms)
        if usage is None:
            return None
        total = Decimal(0)
        size = usage.tokens_in
        for bucket in BUCKETS:
            tokens = getattr(usage, bucket)
            if not tokens:
                continue
            rate = self.rates.get(bucket)
            if rate is None:
                return None
            total += tokens * _at(rate, size)
        return int(total.to_integral_value(ROUND_HALF_UP))

    def ceiling(self, input_tokens: int, output_tokens: int) -> int | None:
        """The most nano-dollars that so many tokens of text can cost, whichever bucket the provider counts them in.

        None where there is no rate for them.
        """
        if self.is_free:
            return 0
        total = Decimal(0)
        for tokens, buckets in ((input_tokens, TEXT_IN), (output_tokens, TEXT_OUT)):
            rates = [_at(self.rates[name], input_tokens) for name in buckets if name in self.rates]
            if tokens and not rates:
                return None
            total += tokens * max(rates, default=Decimal(0))
        return int(total.to_integral_value(ROUND_HALF_UP))

    def ceiling_of(self, most: Usage, *, seconds: float | None = None) -> int | None:
        """The most nano-dollars that a request can cost; None where what it uses has no rate.

        Args:
            most: the most that it can use, in every unit that a provider may bill it by.
            seconds: the longest that it can take; None: unknown, which matters where time is what costs.
        """
        if self.an_hour:
            return None if seconds is None else share_of_hour(self.an_hour, math.ceil(seconds * 1000))
        for unit in BY_LENGTH:
            amount, rate = getattr(most, unit), self.rates.get(unit)
            if amount and rate:
                return int((amount * rate[0][1]).to_integral_value(ROUND_HALF_UP))
        text = self.ceiling(
            most.input_tokens + most.cached_tokens + most.cache_write_tokens + most.input_image_tokens,
            most.output_tokens + most.reasoning_tokens,
        )
        sound = self._ceiling_of_sound(most)
        return None if text is None or sound is None else text + sound

    def _ceiling_of_sound(self, most: Usage) -> int | None:
        total = Decimal(0)
        for bucket, instead in (("input_audio_tokens", None), ("output_audio_tokens", "output_tokens")):
            amount = getattr(most, bucket)
            # A model that only speaks has one rate for what comes out of it.
            rate = self.rates.get(bucket) or (self.rates.get(instead) if instead else None)
            if amount and rate is None and not self.is_free:
                return None
            if amount and rate:
                total += amount * _at(rate, most.tokens_in)
        return int(total.to_integral_value(ROUND_HALF_UP))

    @cached_property
    def as_json(self) -> dict[str, Any]:
        """What the log keeps, so that a cost can be made again by hand."""
        return {
            "source": self.source,
            "model": self.model,
            "formula": FORMULA,
            **({"tier": self.tier} if self.tier else {}),
            **({"nano_dollars_an_hour": self.an_hour} if self.an_hour else {"nano_dollars_per_token": self._listed}),
        }

    @property
    def _listed(self) -> dict[str, list[Any]]:
        return {name: [[start, str(price)] for start, price in rate] for name, rate in self.rates.items()}


def share_of_hour(an_hour: int, took_ms: int) -> int:
    """Nano-dollars for a time, rounded up.

    Args:
        an_hour: nano-dollars for an hour.
    """
    return -(-an_hour * took_ms // MS_OF_HOUR)


MS_OF_HOUR = 3_600_000

BUCKETS = tuple(Usage.__dataclass_fields__)
TEXT_IN = ("input_tokens", "cached_tokens", "cache_write_tokens")
TEXT_OUT = ("output_tokens", "reasoning_tokens")

BY_LENGTH = ("input_audio_ms", "input_characters")
"""Where a model has a rate for one of these, nothing else is billed."""

FREE = Price(source="connection", model="")

SOURCES: Mapping[str, tuple[str, ...]] = {
    "input_tokens": ("input_mtok",),
    "cached_tokens": ("cache_read_mtok", "input_mtok"),
    "cache_write_tokens": ("cache_write_mtok", "input_mtok"),
    "input_audio_tokens": ("input_audio_mtok",),
    "input_image_tokens": ("input_image_mtok", "input_mtok"),
    "output_tokens": ("output_mtok",),
    "reasoning_tokens": ("output_mtok",),
    "output_audio_tokens": ("output_audio_mtok",),
    "input_audio_ms": ("input_audio_hours", "audio_hours"),
    "input_characters": ("input_mchars",),
}
"""Field of `Usage` → names of the price data, the first known of which holds."""


def price_of(connection: Connection, model: str, at: datetime, *, tier: str = "") -> Price | None:
    """What a model costs over a connection at a time; None when nobody knows.

    A price of one's own comes first, then the connection where it is free, then `genai-prices`, which is bundled and
    asks nobody.

    Args:
        tier: the service tier as the provider names it, or `BATCH`; empty for the usual one.
    """
    own = own_price(connection.alias, model, at, tier=tier)
    if own is not None and (own.connection or not connection.free):
        return _own(own)
    if connection.free:
        return FREE
    return _listed(connection.provider, model, at.astimezone(UTC).date(), tier)


def is_listed(connection: Connection, model: str, at: datetime) -> bool:
    """Whether the price data knows a model, whatever one's own prices say."""
    return _listed(connection.provider, model, at.astimezone(UTC).date(), "") is not None


def _own(own: OwnPrice) -> Price:
    if own.server_hour is not None:
        return Price(source=f"{OWN_SOURCE}{own.pk}", model=str(own.model), an_hour=to_nanos(own.server_hour))
    rates = {}
    for bucket, names in OWN.items():
        known = [value for name in names if (value := getattr(own, name)) is not None]
        if known:
            rates[bucket] = ((0, known[0] * OWN_FACTORS.get(bucket, PER_MILLION)),)
    return Price(source=f"{OWN_SOURCE}{own.pk}", model=str(own.model), rates=rates, tier=str(own.tier))


@lru_cache(maxsize=1024)
def _listed(provider_id: str, model: str, day: date, tier: str) -> Price | None:
    # Costs 0.3 s and 25 MB to import: only where something is to be priced.
    from importlib.metadata import version

    from genai_prices.data_snapshot import get_snapshot

    try:
        _, found = get_snapshot().find_provider_model(model, None, provider_id, None)
    except LookupError:
        return None
    noon = datetime.combine(day, time(12), UTC)
    context: dict[str, str] = {"processing": "batch"} if tier == BATCH else {"service_tier": tier} if tier else {}
    if context and (tier in TOO_LOW or not _has_variant(found, context, noon)):
        # Where it has none, the price data would give the usual price.
        return None
    listed = found.get_prices(noon, context or None)
    rates = {}
    for bucket, names in SOURCES.items():
        known = [value for name in names if (value := getattr(listed, name, None)) is not None]
        if known:
            rates[bucket] = _rate(known[0], PER_HOUR if bucket == "input_audio_ms" else PER_MILLION)
    if not rates:
        return None
    return Price(source=f"genai-prices {version('genai-prices')}", model=found.id, rates=rates, tier=tier)


OWN: Mapping[str, tuple[str, ...]] = {
    "input_tokens": ("input_tokens",),
    "cached_tokens": ("cached_tokens", "input_tokens"),
    "cache_write_tokens": ("cache_write_tokens", "input_tokens"),
    "input_audio_tokens": ("input_audio_tokens",),
    "input_image_tokens": ("input_image_tokens", "input_tokens"),
    "output_tokens": ("output_tokens",),
    "reasoning_tokens": ("output_tokens",),
    "output_audio_tokens": ("output_audio_tokens",),
    "input_audio_ms": ("audio_hour",),
    "input_characters": ("million_characters",),
}
"""Field of `Usage` → rates of a price of one's own, the first known of which holds."""


def _has_variant(listed: Any, context: Mapping[str, str], moment: datetime) -> bool:
    return any(
        variant.when == context and (variant.constraint is None or variant.constraint.active(moment))
        for variant in listed.price_variants or ()
    )


PER_MILLION = Decimal(1000)
"""Nano-dollars for one, where dollars are given for a million."""

PER_HOUR = Decimal(NANOS) / MS_OF_HOUR
"""Nano-dollars for a millisecond, where dollars are given for an hour."""


OWN_FACTORS = {"input_audio_ms": PER_HOUR}
"""Others are given for a million."""


def _rate(listed: Any, factor: Decimal) -> Rate:
    """What is listed, flat or in steps, as nano-dollars for one."""
    if isinstance(listed, Decimal):
        return ((0, listed * factor),)
    steps = sorted((tier.start, tier.price * factor) for tier in listed.tiers)
    return ((0, listed.base * factor), *steps)


def _at(rate: Rate, input_tokens: int) -> Decimal:
    """A long context costs more, all of it: the last step that the input is beyond holds for every token."""
    price = rate[0][1]
    for start, dearer in rate[1:]:
        if input_tokens > start:
            price = dearer
    return price
