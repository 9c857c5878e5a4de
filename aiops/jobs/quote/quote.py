"""What a job would ask and cost, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from aiops.calls.models import Call
from aiops.execution.prepare import Plan
from aiops.gateway.connections import Connection
from aiops.gateway.tokens import TokenCounter, counting_tokens
from aiops.jobs.plan import charged_to, check
from aiops.jobs.quote.between import Whole
from aiops.jobs.quote.budgets import BudgetLeft, budgets_left
from aiops.jobs.quote.cost import cost_of
from aiops.jobs.quote.each import Basis, EachCall, each_call
from aiops.jobs.quote.pace import Pace, pace_of
from aiops.jobs.quote.past import Past
from aiops.jobs.quote.sample import Sample
from aiops.jobs.quote.sentences import sentences_of
from aiops.jobs.sources import Source
from aiops.ledger.batch_prices import batch_price_of
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
    basis: Basis
    """What the number of input tokens stands on."""

    is_given_again: bool
    """Whether rows that were answered before may get that answer, and cost nothing."""

    past: int
    """Answers of the version by which it was measured; 0: there are too few."""

    cost: Whole | None
    """Nano-dollars; None: nobody knows the price."""

    batch: Whole | None
    """The same for a batch that is answered within a day; None where the provider has no price for that."""

    in_batches: bool
    """Whether it is the quote of a job in batches: then `cost` is theirs."""

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
    batch: bool = False,
) -> Quote:
    """Reckon what a version over a source would ask and cost. No model is asked.

    Args:
        user: who would start it.
        most_cost: nano-dollars at which it would be paused.
        batch: in batches.

    Raises:
        JobRefused: as `start_job` would.
    """
    now = timezone.now()
    user_id = getattr(user, "pk", None)
    checked = check(version, source, connection=connection, model=model, user_id=user_id, batch=batch, now=now)
    plan, rows = checked.plan, checked.rows
    sample, past, each = counting_tokens(
        plan.connection, plan.model, lambda counter: _reckon(version, source, plan, rows, counter)
    )
    asked, answered = sample.asked(rows), _answered(version, source, sample)
    is_given_again = bool(plan.reusable_for and answered)
    cost = cost_of(plan.price, each, past, asked)
    is_by_time = plan.price is not None and bool(plan.price.an_hour)
    no_batch = batch or cost is None or is_by_time
    batch_price = None if no_batch else batch_price_of(plan.connection, plan.model, now)
    middle = each.tokens_in.high + (each.tokens_out.likely or each.tokens_out.high)
    return Quote(
        source_text=source.describe(),
        rows=rows,
        unique_rows=sample.unique if sample.rows >= rows else None,
        answered=answered,
        sample=sample,
        asked=asked,
        tokens_in=each.tokens_in.total(asked),
        tokens_out=each.tokens_out.total(asked),
        basis=each.basis,
        is_given_again=is_given_again,
        past=past.answers if past else 0,
        cost=replace(cost, low=0) if cost and is_given_again else cost,
        is_by_time=is_by_time,
        batch=cost_of(batch_price, each, past, asked),
        in_batches=batch,
        pace=None if batch else pace_of(plan, asked, tokens=middle, seconds=past.seconds if past else None),
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


def _answered(version: PromptVersion, source: Source, sample: Sample) -> int:
    if source.model is None or not sample.keys:
        return 0
    kind = ContentType.objects.get_for_model(source.model)
    answered = Call.objects.filter(
        row_type=kind, row_key__in=sample.keys, prompt_version=version, status=Call.Status.SUCCEEDED
    )
    return answered.order_by().values("row_key").distinct().count()
