"""Asking whoever is there: the one that was meant, and where it fails for a reason that was foreseen, the next."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace

from django.utils import timezone

from aiops.execution import cooldown
from aiops.execution.ask import AsyncRehold, Ended, FailedAttempt, Rehold, Tally, Told, aask, ask
from aiops.execution.errors import REFUSALS, AttemptRefused
from aiops.execution.fallbacks import Fallback
from aiops.execution.judge import Outcome, judge
from aiops.execution.prepare import Prepared, instead
from aiops.gateway.errors import Billed
from aiops.gateway.retry import RetryPolicy
from aiops.ledger.errors import UnpricedModel
from aiops.ledger.holds import Ending
from aiops.ledger.periods import periods_of


def carry_out(chain: Chain, *, rehold: Rehold) -> Ended:
    """Ask, and fall back as the plan says, blocking. Never raises for what a provider does."""
    ended = ask(chain.tally, rehold=rehold)
    while link := chain.next(ended):
        refusal = rehold(link.tally.prepared, link.spent, link.tally.held_attempt)
        if refusal is None:
            ended = ask(link.tally, rehold=rehold)
        elif is_for_all(refusal):
            break
    return ended


async def acarry_out(chain: Chain, *, rehold: AsyncRehold) -> Ended:
    """As `carry_out`, without blocking the event loop."""
    ended = await aask(chain.tally, rehold=rehold)
    while link := chain.next(ended):
        refusal = await rehold(link.tally.prepared, link.spent, link.tally.held_attempt)
        if refusal is None:
            ended = await aask(link.tally, rehold=rehold)
        elif is_for_all(refusal):
            break
    return ended


def is_for_all(refusal: AttemptRefused) -> bool:
    """Whether nobody else is to be asked either. A model whose price nobody knows is passed over."""
    return not isinstance(refusal, UnpricedModel)


def unless_cooling(prepared: Prepared) -> Prepared:
    """The call, begun with the first fallback whose connection has not just failed where its own has."""
    connection, fallbacks = prepared.plan.connection.alias, prepared.plan.fallbacks
    if not fallbacks or not cooldown.is_cooling(connection):
        return prepared
    now = timezone.now()
    for number, fallback in enumerate(fallbacks):
        if "transport" not in fallback.on or cooldown.is_cooling(fallback.connection or connection):
            continue
        try:
            other = instead(prepared, fallback, now=now)
        except REFUSALS:
            continue
        if other.ceiling is None and periods_of(other.charged_to, now):
            continue
        # Without an alias the one that was meant is meant, not the one that is asked instead of it.
        left = tuple(replace(one, connection=one.connection or connection) for one in fallbacks[number + 1 :])
        return replace(other, plan=replace(other.plan, fallbacks=left), skipped=connection)
    return prepared


@dataclass(frozen=True, slots=True)
class Link:
    """The next to be asked."""

    tally: Tally
    spent: Ending
    """What became of the hold for the one before."""


class Chain:
    """Where a call has come to among those that may be asked."""

    def __init__(self, prepared: Prepared, policy: RetryPolicy, told: Told | None = None) -> None:
        """
        Args:
            told: told of each attempt that fails with the one that was meant; what others do is not its business.
        """
        self._prepared = prepared
        self._policy = policy
        self._left: deque[Fallback] = deque(prepared.plan.fallbacks)
        self._noted: Ended | None = None
        self.tally = Tally(prepared, self._patience(0.0), told=told)
        """How the one is asked whose turn it is: first the one that was meant."""

    def note(self, ended: Ended) -> None:
        """Remember how it went with whoever was asked; the same end once only."""
        if ended is not self._noted:
            self._noted = ended
            cooldown.note(ended.prepared.plan.connection.alias, ended.error.kind if ended.error else "")

    def next(self, ended: Ended) -> Link | None:
        """Whom to ask after that; None where there is nobody for such a case, or no need."""
        self.note(ended)
        if not self._left:
            return None
        try:
            outcome = judge(ended)
        except Exception:
            # Whoever closes the call judges it too, and knows what to do.
            return None
        elapsed = time.monotonic() - ended.started
        while not outcome.succeeded and self._left and elapsed < self._policy.deadline:
            fallback = self._left.popleft()
            if not fallback.helps(outcome.error_kind):
                continue
            try:
                other = instead(self._prepared, fallback, now=timezone.now())
            except REFUSALS:
                continue
            self.tally = Tally(
                other,
                self._patience(elapsed),
                started=ended.started,
                failed_at=time.monotonic(),
                failures=_failures(ended, outcome),
                attempts=ended.attempts,
                held_attempt=ended.attempts + 1,
                earlier=ended.attempts,
            )
            return Link(self.tally, outcome.ending)
        return None

    @property
    def has_left(self) -> bool:
        """Whether anything was sent."""
        return self.tally.is_out or bool(self.tally.failures)

    def given_up(self) -> Ended | None:
        """How a call ended that has left and is asked no further; None where an answer may be on its way."""
        if self.tally.is_out:
            return None
        # One that waits to ask somebody else has ended as it did with whoever was asked before.
        is_other = self.tally.failures[-1].number <= self.tally.earlier
        return self._noted if is_other else self.tally.given_up()

    def _patience(self, elapsed: float) -> RetryPolicy:
        """The time that is left, shared between those that may still be asked: a first that hangs leaves some."""
        left = self._policy.deadline - elapsed
        return replace(self._policy, deadline=elapsed + left / (len(self._left) + 1))


def _failures(ended: Ended, outcome: Outcome) -> list[FailedAttempt]:
    """What went wrong so far, an answer that broke its schema or its bounds included."""
    cost = outcome.ending.cost
    if ended.error is not None:
        *before, last = ended.failures
        return [*before, replace(last, cost=cost)]
    request = ended.prepared.request
    broken = FailedAttempt(
        number=ended.attempts,
        kind=outcome.error_kind,
        status=200,
        billed=Billed.YES,
        connection=request.connection,
        model=request.model,
        error=None,
        cost=cost,
    )
    return [*ended.failures, broken]
