"""Whether an answer may be passed on, and what it cost: from how a call ended to what is written of it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from aiops.calls.models import Call
from aiops.calls.recording import CallEnd
from aiops.execution.ask import Ended, FailedAttempt
from aiops.execution.prepare import Plan, Prepared
from aiops.execution.redacting import restored
from aiops.gateway.completion import Completion
from aiops.gateway.dialects import misfit
from aiops.gateway.errors import Billed, GatewayError, Incomplete, Malformed
from aiops.gateway.plain_text import DEEPEST, TooDeep, storable_data
from aiops.ledger.batch_prices import batch_price_of
from aiops.ledger.holds import Ending
from aiops.ledger.prices import BATCH, FREE, Price, price_of
from prompts.schemas import problems_of

TIERED = frozenset({"openai", "azure"})
"""Providers whose service tiers have prices of their own; others say there what they like."""

SCHEMA = "schema"
"""The kind of error of an answer that came whole and breaks its schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a call: for the asker, for the log (`end`) and for the ledger (`ending`)."""

    call_id: UUID
    about_item: int | None
    end: CallEnd
    ending: Ending
    error: GatewayError | None = None
    """What the provider, or the way to it, did wrong; None where there was an answer."""

    problems: tuple[str, ...] = ()
    """What is wrong with an answer that came whole, a sentence each."""

    completion: Completion | None = None
    """What came, usable or not, as whoever asked may see it; None when nothing did."""

    data: Any = None
    """The parsed answer; None where there is none, or it may not be passed on."""

    @property
    def succeeded(self) -> bool:
        return self.end.status == Call.Status.SUCCEEDED

    @property
    def text(self) -> str:
        """The answer as it came; empty where none did."""
        return self.completion.text if self.completion else ""

    @property
    def error_kind(self) -> str:
        return self.end.error_kind

    @property
    def error_text(self) -> str:
        return self.end.error_text

    @property
    def cost(self) -> int | None:
        """Nano-dollars; None: unknown."""
        return self.end.cost


def judge(ended: Ended) -> Outcome:
    """Check an answer against its schema and work out its cost."""
    completion, error = ended.completion, ended.error
    if isinstance(error, Incomplete):
        completion = error.completion
    plan, request = ended.prepared.plan, ended.prepared.request
    if completion is not None and completion.usage is None and (counted := request.counted()) is not None:
        completion = replace(completion, usage=counted)
    given = restored(completion, ended.prepared.restore) if completion is not None else None
    kind, text, judged = "", "", NOT_JUDGED
    if error is not None:
        kind, text = error.kind, _why(error, ended.attempts)
    elif completion is not None and given is not None:
        judged = _judged(completion, given, plan)
        if text := misfit(request, completion):
            kind = Malformed.kind
        elif judged.problems:
            kind, text = SCHEMA, _("The output breaks its schema: %s") % "; ".join(judged.problems)
    reused = ended.prepared.reused
    price = FREE if reused else _price(ended, completion)
    spent = _spent(error, completion, price)
    before = [failure.cost for failure in (ended.failures[:-1] if error is not None else ended.failures)]
    return Outcome(
        call_id=ended.prepared.call_id,
        about_item=ended.prepared.about.item_id,
        end=CallEnd(
            status=Call.Status.FAILED if kind else Call.Status.SUCCEEDED,
            ended_at=ended.ended_at,
            completion=completion,
            raw=error.raw if error else "",
            data=judged.logged,
            error_kind=kind,
            error_text=text,
            cost=_sum([*before, spent]),
            price=price.as_json if price and completion and not reused else None,
            attempts=attempts_of(ended.prepared, ended.failures),
            attempt_count=ended.attempts,
            connection_answered=request.connection if ended.fell_back else "",
            reused_from=reused.call_id if reused else None,
            saved=reused.cost if reused else None,
        ),
        ending=Ending(
            call_id=ended.prepared.call_id,
            attempt=ended.held_attempt,
            cost=spent,
            released=error is not None and error.billed == Billed.NO,
        ),
        error=error,
        problems=judged.problems,
        completion=given,
        data=judged.data,
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """The data in an answer."""

    data: Any = None
    """For whoever asked; None where it may not be passed on."""

    logged: Any = None
    """For the log: the same, with tokens for what may not be kept."""

    problems: tuple[str, ...] = ()


NOT_JUDGED = _Judged()


def _judged(completion: Completion, given: Completion, plan: Plan) -> _Judged:
    """Take a whole answer apart.

    Args:
        completion: as it came.
        given: as whoever asked may see it.
    """
    if completion.tool_calls:
        return _Judged(_wanted(given), _wanted(completion))
    if plan.check is None and plan.schema is None:
        return NOT_JUDGED
    check = plan.check or (lambda text: parse(text, plan.schema))
    data, problems = check(given.text)
    if given is completion:
        return _Judged(None, None, tuple(problems)) if problems else _Judged(data, data)
    logged, told = check(completion.text)
    if problems:
        # The sentences quote the answer: only those that quote it as it came may be kept.
        return _Judged(problems=tuple(told) or (_("it does not fit once what was taken out is put back"),))
    return _Judged(data, logged if not told else None)


def _sum(costs: Sequence[int | None]) -> int | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _wanted(completion: Completion) -> Any:
    """The functions that a model wants called, as the log keeps them."""
    calls = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in completion.tool_calls]
    return {"tool_calls": calls}


def attempts_of(prepared: Prepared, failures: Sequence[FailedAttempt]) -> tuple[dict[str, Any], ...]:
    """What the log keeps of attempts that failed, and of a connection that was passed over."""
    skipped = prepared.skipped
    left_out = [{"number": 0, "kind": "cooling", "connection": skipped}] if skipped else []
    return (*left_out, *(_as_json(failure) for failure in failures))


def spoiled(ended: Ended, fault: Exception) -> Outcome:
    """What is made of an answer that cannot be judged or kept, whatever it holds: an error of its own item only."""
    error = Malformed(f"The provider's answer could not be kept ({type(fault).__name__}).")
    return judge(replace(ended, completion=None, error=error))


def parse(text: str, schema: Any) -> tuple[Any, list[str]]:
    """The data in an answer, and what is wrong with it."""
    try:
        data = json.loads(text, parse_float=_finite, parse_constant=_finite)
        # What no database can hold hides behind escapes, or needs so many brackets.
        if "\\u" in text or text.count("[") + text.count("{") > DEEPEST:
            data = storable_data(data)
    except (RecursionError, TooDeep):
        return None, [_("it is nested too deeply")]
    except ValueError:
        return None, [_("it is not JSON")]
    return data, problems_of(schema, data)


def _finite(text: str) -> float:
    """A number of JSON. `NaN`, `Infinity` and what is too large to be held are none, though Python would read them."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _why(error: GatewayError, attempts: int) -> str:
    if attempts == 1:
        return str(error)
    return _("After %(attempts)d attempts: %(error)s") % {"error": error, "attempts": attempts}


def _price(ended: Ended, completion: Completion | None) -> Price | None:
    """The price of the model that answered, in the tier that it was answered in, else of the one that was asked."""
    plan = ended.prepared.plan
    if completion is None or plan.price is None or plan.price.is_free:
        return plan.price
    if plan.tier == BATCH:
        # Whatever tier the answer names: a batch has a price of its own.
        other = completion.model if completion.model != plan.model else ""
        return (batch_price_of(plan.connection, other, ended.ended_at) if other else None) or plan.price
    if completion.tier and plan.connection.provider in TIERED:
        # What nobody knows for that tier is unknown: the usual price may be a part of it.
        names = [name for name in (completion.model, plan.model) if name]
        found = (price_of(plan.connection, name, ended.ended_at, tier=completion.tier) for name in names)
        return next((price for price in found if price is not None), None)
    if not completion.model or completion.model == plan.model:
        return plan.price
    return price_of(plan.connection, completion.model, ended.ended_at) or plan.price


def _spent(error: GatewayError | None, completion: Completion | None, price: Price | None) -> int | None:
    """Nano-dollars of the last attempt; None: unknown."""
    if price is not None and price.is_free:
        return 0
    if completion is None:
        return 0 if error is not None and error.billed == Billed.NO else None
    return None if price is None else price.cost(completion.usage, completion.total_ms)


def _as_json(failure: FailedAttempt) -> dict[str, Any]:
    return {
        "number": failure.number,
        "kind": failure.kind,
        "status": failure.status,
        "waited": failure.waited,
        "billed": failure.billed,
        "connection": failure.connection,
        "model": failure.model,
    }
