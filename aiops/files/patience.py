"""How patiently a provider is asked about files: the one retry policy, for what may be sent twice and what may not."""

from __future__ import annotations

import time
from typing import Any

import tenacity

from aiops.gateway.errors import Billed, GatewayError
from aiops.gateway.retry import RetryPolicy


class Patience:
    """One policy, from the moment that this is made."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._began = time.monotonic()

    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def left(self) -> float:
        """Seconds until its deadline."""
        return max(0.001, self._policy.deadline - self.elapsed())

    def again(self) -> dict[str, Any]:
        """For tenacity: as the policy says. For what does no harm when it is done twice."""
        return self._policy.for_tenacity(self.elapsed)

    def unless_done(self) -> dict[str, Any]:
        """For tenacity: only what surely was not done the time before."""
        return {**self.again(), "retry": tenacity.retry_if_exception(surely_not_done)}


def surely_not_done(error: BaseException) -> bool:
    """Whether a request that ended in this has surely had no effect."""
    return isinstance(error, GatewayError) and error.billed == Billed.NO
