"""What so many calls would cost."""

from __future__ import annotations

import math

from aiops.gateway.usage import Usage
from aiops.jobs.quote.between import Between, Whole
from aiops.jobs.quote.each import EachCall
from aiops.jobs.quote.past import Past
from aiops.ledger.prices import Price, share_of_hour


def cost_of(price: Price | None, each: EachCall, past: Past | None, calls: int) -> Whole | None:
    """Nano-dollars; None where nobody knows the price, or how long an answer takes where time is what costs.

    What was read from the provider's cache before is likely to be again. It may not be, and then it may cost even more
    to be put there.
    """
    if price is None:
        return None
    if price.an_hour:
        return _cost_of_time(price.an_hour, past, calls)
    read = past.cached_share if past else 0.0
    written = past.written_share if past else 0.0

    def of_call(tokens_in: float | None, tokens_out: float | None, *, cached: float, kept: float) -> int | None:
        if tokens_in is None or tokens_out is None:
            return None
        whole = round(tokens_in)
        from_cache, to_cache = round(whole * cached), round(whole * kept)
        used = Usage(
            input_tokens=whole - from_cache - to_cache,
            cached_tokens=from_cache,
            cache_write_tokens=to_cache,
            output_tokens=round(tokens_out),
        )
        return price.cost(used)

    low = of_call(each.tokens_in.low, each.tokens_out.low, cached=min(1.0, read * 1.1), kept=0.0)
    likely = of_call(each.tokens_in.likely, each.tokens_out.likely, cached=read, kept=min(written, 1.0 - read))
    anew = min(1.0, read + written) if written else 0.0
    high = of_call(each.tokens_in.high, each.tokens_out.high, cached=0.0, kept=anew)
    return None if low is None or high is None else Between(low, likely, high).total(calls)


def _cost_of_time(an_hour: int, past: Past | None, calls: int) -> Whole | None:
    if past is None or past.took_ms is None:
        return None
    return (
        past.took_ms.mean_of(calls)
        .within(0, math.inf)
        .map(lambda ms: share_of_hour(an_hour, math.ceil(ms)))
        .total(calls)
    )
