"""What a job would ask and cost, before anything is sent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from aiops.calls.models import Call
from aiops.execution.prepare import Plan
from aiops.gateway.connections import Connection
from aiops.gateway.tokens import TokenCounter, counting_tokens
from aiops.gateway.usage import Usage
from aiops.jobs.plan import charged_to, check
from aiops.jobs.quote.between import Between, Whole
from aiops.jobs.quote.budgets import BudgetLeft, budgets_left
from aiops.jobs.quote.each import EachCall, each_call
from aiops.jobs.quote.pace import Pace, pace_of
from aiops.jobs.quote.past import Past
from aiops.jobs.quote.sample import Sample
from aiops.jobs.quote.sentences import sentences_of
from aiops.jobs.sources import Source
from aiops.ledger.prices import BATCH, Price, price_of, share_of_hour
from prompts.models import PromptVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a job would ask and cost."""

    source_text: str
    rows: int
    unique_rows: int | None
    """Of different renderings; None where the source is too large to have been rendered whole."""

    answered: int
    """Rows among those looked at that this version has answered before, as far as the log goes back."""

    sample: Sample
    """The rows by which it was reckoned."""

    tokens_in: Whole
    tokens_out: Whole
    is_counted: bool
    """Whether the input was counted as the provider will; else it is an estimate."""

    past: int
    """Answers of the version by which it was measured; 0: there are too few."""

    cost: Whole | None
    """Nano-dollars; None: nobody knows the price."""

    batch: Whole | None
    """The same for a batch that is answered within a day; None where the provider has no price for that."""

    is_by_time: bool
    """Whether the time of the server is what costs."""

    asked: int
    """Rows that are asked: those that cannot be, and those like an earlier one, are not."""

    pace: Pace | None
    """How long it takes; None: nobody knows."""

    connection: Connection
    model: str
    budgets: tuple[BudgetLeft, ...]

    def sentences(self) -> list[str]:
        """The quote for people, the same words on every screen and terminal."""
        return sentences_of(self)


def quote(
    version: PromptVersion,
    source: Source,
    *,
    connection: str = "",
    model: str = "",
    user: Any = None,
    most_cost: int | None = None,
) -> Quote:
    """Reckon what a version over a source would ask and cost. No model is asked.

    Args:
        user: who would start it.
        most_cost: nano-dollars at which it would be paused.

    Raises:
        JobRefused: as `start_job` would.
    """
    now = timezone.now()
    user_id = getattr(user, "pk", None)
    checked = check(version, source, connection=connection, model=model, user_id=user_id, now=now)
    plan, rows = checked.plan, checked.rows
    sample, past, each = counting_tokens(
        plan.connection, plan.model, lambda counter: _reckon(version, source, plan, rows, counter)
    )
    # Others are found out when their turn comes; until then they count in full.
    asked = rows - (sample.rows - sample.unique)
    cost = _cost(plan.price, each, past, asked)
    is_by_time = plan.price is not None and bool(plan.price.an_hour)
    middle = each.tokens_in.high + (each.tokens_out.likely or each.tokens_out.high)
    return Quote(
        source_text=source.describe(),
        rows=rows,
        unique_rows=sample.unique if sample.rows >= rows else None,
        answered=_answered(version, source, sample),
        sample=sample,
        asked=asked,
        tokens_in=each.tokens_in.total(asked),
        tokens_out=each.tokens_out.total(asked),
        is_counted=each.is_counted,
        past=past.answers if past else 0,
        cost=cost,
        is_by_time=is_by_time,
        batch=_cost(price_of(plan.connection, plan.model, now, tier=BATCH), each, past, asked)
        if cost and not is_by_time
        else None,
        pace=pace_of(plan, asked, tokens=middle, seconds=past.seconds if past else None),
        connection=plan.connection,
        model=plan.model,
        budgets=budgets_left(charged_to(plan, user_id), cost.high if cost else None, now, most=most_cost),
    )


def _reckon(
    version: PromptVersion, source: Source, plan: Plan, rows: int, counter: TokenCounter
) -> tuple[Sample, Past | None, EachCall]:
    sample = Sample.of(version, source, counter)
    past = Past.of(plan, counter)
    return sample, past, each_call(sample, rows, plan, counter, past)


def _cost(price: Price | None, each: EachCall, past: Past | None, calls: int) -> Whole | None:
    """Of so many calls. What was read from the provider's cache before is likely to be again, and may not be."""
    if price is None:
        return None
    if price.an_hour:
        return _cost_of_time(price.an_hour, past, calls)
    share = past.cached_share if past else 0.0

    def of_call(tokens_in: float | None, tokens_out: float | None, cached: float) -> float | None:
        if tokens_in is None or tokens_out is None:
            return None
        read = round(tokens_in * cached)
        used = Usage(input_tokens=round(tokens_in) - read, cached_tokens=read, output_tokens=round(tokens_out))
        return price.cost(used)

    low = of_call(each.tokens_in.low, each.tokens_out.low, min(1.0, share * 1.1))
    likely = of_call(each.tokens_in.likely, each.tokens_out.likely, share)
    high = of_call(each.tokens_in.high, each.tokens_out.high, share * 0.9 if past else 0.0)
    return None if low is None or high is None else Between(low, likely, high).total(calls)


def _cost_of_time(an_hour: int, past: Past | None, calls: int) -> Whole | None:
    if past is None or past.took_ms is None:
        return None
    return past.took_ms.within(0, math.inf).map(lambda ms: share_of_hour(an_hour, math.ceil(ms))).total(calls)


def _answered(version: PromptVersion, source: Source, sample: Sample) -> int:
    if source.model is None or not sample.keys:
        return 0
    kind = ContentType.objects.get_for_model(source.model)
    answered = Call.objects.filter(
        row_type=kind, row_key__in=sample.keys, prompt_version=version, status=Call.Status.SUCCEEDED
    )
    return answered.order_by().values("row_key").distinct().count()
