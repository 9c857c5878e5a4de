"""What the latest answers of a version say about the next ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from aiops.calls.models import Call
from aiops.execution.prepare import Plan
from aiops.gateway.tokens import TokenCounter
from aiops.gateway.usage import Usage
from aiops.jobs.quote.between import Measured

HISTORY = 200
"""Latest answers by which a quote is made."""

LOOKED_THROUGH = 1_000
"""Latest calls of the version among which they are looked for: others may have been asked of other models."""

FEWEST = 20
"""Fewer of them say nothing."""

READ_AGAIN = 20
"""Of these it is looked up what was sent, and counted anew: the provider's count says what it adds."""

FIELDS = ("connection", "model_asked", "reused_from", "total_ms", "attempt_count", *Usage.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Of one call."""

    answers: int
    """By how many it was measured."""

    tokens_out: Measured

    cached_share: float
    """Of the input tokens, which the provider had read before."""

    written_share: float
    """Of the input tokens, which it kept to read them again: they may cost more."""

    seconds: float | None
    """From sending to the end of the answer, on average; None where nobody measured it."""

    took_ms: Measured | None
    """The same in milliseconds, measured; None where too few were."""

    uncounted: Measured | None
    """Tokens that the provider counts beyond those of the messages, schemas among them; None where no text was kept.

    For an estimate, see `per_estimated`.
    """

    per_estimated: Measured | None
    """Tokens that the provider counts for one that was estimated."""

    @classmethod
    def of(cls, plan: Plan, counter: TokenCounter) -> Self | None:
        """None where there are too few to say anything.

        Args:
            counter: counts what was sent once more.

        Raises:
            CannotCount: it does not.
        """
        latest = Call.objects.filter(prompt_version=plan.version).only(
            "connection", "model_asked", "reused_from", *FIELDS
        )
        calls = [call for call in latest.order_by("-id")[:LOOKED_THROUGH] if _tells(call, plan)][:HISTORY]
        if len(calls) < FEWEST:
            return None
        read = sum(call.tokens_in or 0 for call in calls)
        times = [call.total_ms / 1000 for call in calls if call.total_ms is not None and call.attempt_count == 1]
        pairs = _counted_again(calls[:READ_AGAIN], counter)
        beyond, factors = [real - ours for real, ours in pairs], [real / ours for real, ours in pairs]
        return cls(
            answers=len(calls),
            tokens_out=Measured.of([call.tokens_out or 0 for call in calls]),
            cached_share=sum(call.cached_tokens or 0 for call in calls) / read if read else 0.0,
            written_share=sum(call.cache_write_tokens or 0 for call in calls) / read if read else 0.0,
            seconds=sum(times) / len(times) if times else None,
            took_ms=Measured.of([seconds * 1000 for seconds in times]) if len(times) >= FEWEST else None,
            uncounted=_measured(beyond),
            per_estimated=_measured(factors),
        )


def _tells(call: Call, plan: Plan) -> bool:
    """Whether it was asked as the next will be, and counted. What failed was paid for as well."""
    asked = (call.connection, call.model_asked) == (plan.connection.alias, plan.model)
    return asked and call.reused_from is None and call.tokens_out is not None and bool(call.tokens_in)


def _counted_again(calls: Sequence[Call], counter: TokenCounter) -> list[tuple[int, int]]:
    """What the provider counted and what we do, for each whose text was kept."""
    sent = Call.objects.only("messages").in_bulk([call.pk for call in calls])
    return [
        (call.tokens_in or 0, counted)
        for call in calls
        if call.pk in sent and (messages := sent[call.pk].messages) and (counted := counter.of_messages(messages))
    ]


def _measured(values: Sequence[float]) -> Measured | None:
    return Measured.of(values) if len(values) > 1 else None
