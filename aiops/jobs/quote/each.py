"""Tokens of one call of a job, on average."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
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


class Basis(StrEnum):
    """What a number of tokens stands on."""

    COUNTED = "counted"
    """All of it was counted as the provider will."""

    MEASURED = "measured"
    """By what the provider counted before."""

    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True, kw_only=True)
class EachCall:
    """Tokens of one call."""

    tokens_in: Between
    tokens_out: Between
    basis: Basis
    """Of the input."""


def each_call(sample: Sample, rows: int, plan: Plan, counter: TokenCounter, past: Past | None) -> EachCall:
    """Reckon one call.

    Args:
        rows: of the whole source.

    Raises:
        CannotCount: the counter does not.
    """
    asked = sample.asked(rows)
    if past is not None and past.uncounted is not None:
        tokens_in, basis = _measured(sample.tokens_each(rows), asked, counter, past), Basis.MEASURED
    else:
        tokens_in, is_exact = _told(sample.tokens_each(rows), plan, counter)
        basis = Basis.COUNTED if is_exact and sample.rows >= rows else Basis.ESTIMATED
    return EachCall(
        tokens_in=tokens_in.widened(sample.spread(rows)).within(0, math.inf),
        tokens_out=past.tokens_out.mean_of(asked).within(1, _limit(plan)) if past else _answer(plan),
        basis=basis,
    )


def _measured(counted: float, asked: int, counter: TokenCounter, past: Past) -> Between:
    """By what the provider said of those before."""
    if counter.is_exact and past.uncounted:
        return past.uncounted.mean_of(asked).map(lambda beyond: counted + beyond).widened(SLIGHTLY)
    factor = past.per_estimated.mean_of(asked) if past.per_estimated else Between(1 / FACTOR_OFF, 1, FACTOR_OFF)
    return factor.map(lambda times: counted * times)


def _told(counted: float, plan: Plan, counter: TokenCounter) -> tuple[Between, bool]:
    """By what is sent, and whether that is a count. How much of a schema a provider counts, none says."""
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
