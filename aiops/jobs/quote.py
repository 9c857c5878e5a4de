"""What a job would ask and cost, before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.calls.models import Call
from aiops.execution.prepare import Plan
from aiops.gateway.connections import Connection
from aiops.gateway.sizes import OVERHEAD
from aiops.gateway.usage import Usage
from aiops.jobs.plan import charged_to, check
from aiops.jobs.sample import Sample
from aiops.jobs.sources import Source
from aiops.ledger.money import dollars
from aiops.ledger.periods import periods_of
from aiops.ledger.prices import Price
from aiops.ledger.scopes import ChargedTo
from prompts.models import PromptVersion

HISTORY = 200
"""Latest answers of the version by which a quote is made."""

FEWEST = 20
"""Fewer of them say nothing."""

BYTES_PER_TOKEN = 4
"""Of English text, roughly. It makes an estimate, and is called one."""


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """What a job would do to one budget. Nano-dollars."""

    name: str
    left: int
    after: int | None
    """If it costs as much as it may; None when its cost is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a job would ask and cost."""

    source_text: str
    rows: int
    unique_rows: int | None
    """Of different renderings; None where the source is too large to have been rendered whole."""

    sample: Sample
    """The rows by which it was reckoned."""

    tokens_in: int
    """An estimate."""

    tokens_out_low: int
    tokens_out_high: int
    """The version's output limit for every row, or the longest of its latest answers where there are some."""

    cost_low: int | None
    """Nano-dollars; None: nobody knows the price."""

    cost_high: int | None
    connection: Connection
    model: str
    budgets: tuple[BudgetLeft, ...]

    def sentences(self) -> list[str]:
        """The quote for people, the same words on every screen and terminal."""
        rows = self.source_text
        if self.unique_rows is not None:
            rows = _("%(rows)s, %(unique)s unique") % {"rows": rows, "unique": f"{self.unique_rows:,}"}
        tokens = _("about %(in)s tokens in, %(low)s to %(high)s out") % {
            "in": f"{self.tokens_in:,}",
            "low": f"{self.tokens_out_low:,}",
            "high": f"{self.tokens_out_high:,}",
        }
        said = [rows, tokens, self._cost()]
        return [*said, self.sample.warning(whole=self.sample.rows >= self.rows)] if self.sample.unfit else said

    def _cost(self) -> str:
        words = {"low": dollars(self.cost_low), "high": dollars(self.cost_high), "model": self.model}
        if self.cost_high is None:
            return _("at a cost that nobody knows on %(model)s") % words
        if self.cost_high == 0:
            return _("free on %(model)s") % words
        return _("between %(low)s and %(high)s on %(model)s") % words


def quote(
    version: PromptVersion,
    source: Source,
    *,
    connection: str = "",
    model: str = "",
    user: Any = None,
    most_cost: int | None = None,
) -> Quote:
    """Reckon what a version over a source would ask and cost. Nothing is sent.

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
    sample = Sample.of(version, source)
    # The others are found out when their turn comes; until then they count in full.
    asked = rows - sample.unfit
    past = _past(version, plan)
    tokens_in = past.tokens_in if past else _tokens_in(sample, plan)
    low, high = (past.fewest_out, past.most_out) if past else _answer_tokens(version, plan)
    cost_low, cost_high = (_cost(plan.price, tokens_in, out, asked) for out in (low, high))
    return Quote(
        source_text=source.describe(),
        rows=rows,
        unique_rows=sample.unique if sample.rows >= rows else None,
        sample=sample,
        tokens_in=tokens_in * asked,
        tokens_out_low=low * asked,
        tokens_out_high=high * asked,
        cost_low=cost_low,
        cost_high=cost_high,
        connection=plan.connection,
        model=plan.model,
        budgets=(*_of_job(most_cost, cost_high), *_budgets(charged_to(plan, user_id), cost_high, now)),
    )


def _tokens_in(sample: Sample, plan: Plan) -> int:
    """Of one call."""
    overhead = OVERHEAD // 2 * (sample.messages + 1)
    return (sample.bytes_each + plan.fixed_size) // BYTES_PER_TOKEN + overhead


@dataclass(frozen=True, slots=True)
class _Past:
    """What the version's latest answers by the same model came to, in tokens each."""

    tokens_in: int
    fewest_out: int
    most_out: int


def _past(version: PromptVersion, plan: Plan) -> _Past | None:
    """None where there are too few to say anything."""
    latest = Call.objects.filter(
        prompt_version=version,
        connection=plan.connection.alias,
        model_asked=plan.model,
        status=Call.Status.SUCCEEDED,
        output_tokens__isnull=False,
    ).only(*Usage.__dataclass_fields__)
    calls = latest.order_by("-id")[:HISTORY]
    read = [call.tokens_in or 0 for call in calls]
    answered = [call.tokens_out or 0 for call in calls]
    if len(read) < FEWEST:
        return None
    return _Past(sum(read) // len(read), min(answered), max(answered))


def _answer_tokens(version: PromptVersion, plan: Plan) -> tuple[int, int]:
    """Fewest and most tokens of one answer, from the schema and the limit."""
    low = len(json.dumps(_smallest(plan.schema))) // BYTES_PER_TOKEN if plan.schema else 1
    return min(max(1, low), version.output_limit), version.output_limit


def _smallest(schema: Mapping[str, Any]) -> Any:
    """A thing of about the size of the smallest answer: property names with nothing in them."""
    return {name: _smallest(part) for name, part in schema.get("properties", {}).items()} or ""


def _cost(price: Price | None, tokens_in: int, tokens_out: int, rows: int) -> int | None:
    if price is None:
        return None
    each = price.cost(Usage(input_tokens=tokens_in, output_tokens=tokens_out))
    return None if each is None else each * rows


def _of_job(most: int | None, cost: int | None) -> tuple[BudgetLeft, ...]:
    return () if most is None else (BudgetLeft(_("this job"), most, None if cost is None else most - cost),)


def _budgets(to: ChargedTo, cost: int | None, now: datetime) -> tuple[BudgetLeft, ...]:
    return tuple(
        BudgetLeft(period.title, period.left, None if cost is None else period.left - cost)
        for period in periods_of(to, now)
    )
