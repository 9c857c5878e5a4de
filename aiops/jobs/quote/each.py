"""Tokens of one call of a job, on average."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiops.execution.prepare import Plan
from aiops.gateway.tokens import TokenCounter
from aiops.jobs.quote.between import Between
from aiops.jobs.quote.past import Past
from aiops.jobs.quote.sample import Sample

SLIGHTLY = 0.01
"""What a count that is exact may be off: providers change what they put around messages."""

FACTOR_OFF = 2.0
"""What an estimate may be off."""

SCHEMA_OFF = 1.3
"""How much longer than its text a schema may be told."""

BYTES_OF_SMALLEST = 4
"""Of one token of the smallest answer that fits a schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EachCall:
    """Tokens of one call."""

    tokens_in: Between
    tokens_out: Between
    is_counted: bool
    """Whether the input was counted as the provider will, or measured by what the provider counted before."""


def each_call(sample: Sample, rows: int, plan: Plan, counter: TokenCounter, past: Past | None) -> EachCall:
    """Reckon one call.

    Args:
        rows: of the whole source.

    Raises:
        CannotCount: the counter does not.
    """
    if past is not None and past.uncounted is not None:
        tokens_in, is_counted = _measured(sample, counter, past), True
    else:
        tokens_in, is_counted = _told(sample, plan, counter)
    return EachCall(
        tokens_in=tokens_in.widened(sample.spread(rows)).within(0, math.inf),
        tokens_out=past.tokens_out.within(1, _limit(plan)) if past else _answer(plan),
        is_counted=is_counted,
    )


def _measured(sample: Sample, counter: TokenCounter, past: Past) -> Between:
    """By what the provider said of those before."""
    if counter.is_exact and past.uncounted:
        return past.uncounted.map(lambda beyond: sample.tokens_each + beyond).widened(SLIGHTLY)
    factor = past.per_estimated or Between(1 / FACTOR_OFF, 1, FACTOR_OFF)
    return factor.map(lambda times: sample.tokens_each * times)


def _told(sample: Sample, plan: Plan, counter: TokenCounter) -> tuple[Between, bool]:
    """By what is sent, and whether that is a count. How much of a schema a provider counts, none says."""
    counted = sample.tokens_each
    beside = 0 if _is_shown_nothing_beside(plan) else _beside(plan, counter)
    likely = counted + beside
    if counter.is_exact:
        return Between(counted, likely, counted + beside * SCHEMA_OFF).widened(SLIGHTLY), not beside
    return Between(counted / FACTOR_OFF, likely, likely * FACTOR_OFF), False


def _beside(plan: Plan, counter: TokenCounter) -> int:
    return sum(counter.of_text(json.dumps(part)) for part in plan.shown_beside) + plan.words_for_schema


def _is_shown_nothing_beside(plan: Plan) -> bool:
    """Servers that count by themselves bind an answer by its schema, and show the model none of it."""
    return plan.connection.tokenizer == "server" and plan.connection.supports_json_schema


def _limit(plan: Plan) -> int:
    return plan.connection.output_limit_for(plan.version.output_limit) if plan.version else plan.connection.output_limit


def _answer(plan: Plan) -> Between:
    """Fewest and most tokens of one answer, by the schema and the limit."""
    limit = _limit(plan)
    low = len(json.dumps(_smallest(plan.schema))) // BYTES_OF_SMALLEST if plan.schema else 1
    return Between(min(max(1, low), limit), None, limit)


def _smallest(schema: Mapping[str, Any]) -> Any:
    """A thing of about the size of the smallest answer: property names with nothing in them."""
    return {name: _smallest(part) for name, part in schema.get("properties", {}).items()} or ""
