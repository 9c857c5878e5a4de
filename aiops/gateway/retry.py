"""When to send again: a policy as data. Nothing waits in here; it says what should happen."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tenacity

from aiops.gateway.errors import GatewayError


@dataclass(frozen=True, slots=True)
class Wait:
    """Send again after this many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not send again, and why."""

    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently one call is sent again."""

    attempts: int = 5
    """Sendings in all, the first included."""

    first_wait: float = 0.5
    """Seconds before the second attempt, doubled before each further one."""

    longest_wait: float = 30.0
    """Seconds; a provider that asks for more is not waited for."""

    deadline: float = 120.0
    """Seconds for the whole call, waiting included."""

    def decide(self, error: BaseException, attempt: int, elapsed: float = 0.0) -> Wait | GiveUp:
        """What to do after attempt number `attempt` (1 for the first) ended in `error`, `elapsed` seconds in."""
        if not isinstance(error, GatewayError) or not error.retryable:
            return GiveUp("trying again will not help")
        if attempt >= self.attempts:
            return GiveUp(f"{attempt} attempts")
        seconds = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        if error.retry_after is not None:
            if error.retry_after > self.longest_wait:
                return GiveUp(f"the provider asks for {error.retry_after:.0f} seconds")
            seconds = max(seconds, error.retry_after)
        if elapsed + seconds >= self.deadline:
            return GiveUp(f"{self.deadline:g} seconds are over")
        return Wait(seconds)

    def for_tenacity(self, elapsed: Callable[[], float]) -> dict[str, Any]:
        """This policy as the arguments of `tenacity.Retrying` and `tenacity.AsyncRetrying`, which do the waiting.

        Args:
            elapsed: seconds since the call began.
        """

        def decision(state: tenacity.RetryCallState) -> Wait | GiveUp:
            error = state.outcome.exception() if state.outcome else None
            if error is None:
                return GiveUp("it was answered")
            return self.decide(error, state.attempt_number, elapsed())

        return {
            "retry": tenacity.retry_if_exception_type(GatewayError),
            "stop": lambda state: isinstance(decision(state), GiveUp),
            "wait": lambda state: jittered(decision(state)),
            "reraise": True,
        }


def jittered(decision: Wait | GiveUp, spread: Callable[[], float] = random.random) -> float:
    """Seconds to wait, up to a quarter longer than decided, so that workers do not come back all at once."""
    return decision.seconds * (1 + spread() / 4) if isinstance(decision, Wait) else 0.0
