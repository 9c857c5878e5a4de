"""Sending one call, as often as the policy says. The same tally is kept by the sync and the async driver."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import tenacity
from django.utils import timezone

from aiops.execution.errors import AttemptRefused
from aiops.execution.leave import aleave, heard_by, leave, mind
from aiops.execution.prepare import Prepared
from aiops.gateway.completion import Completion
from aiops.gateway.errors import Billed, GatewayError, Malformed
from aiops.gateway.retry import RetryPolicy
from aiops.gateway.send import asend, send
from aiops.ledger.holds import Ending

logger = logging.getLogger(__name__)

Rehold = Callable[[Prepared, Ending | None, int], AttemptRefused | None]
"""Called before each attempt but the first: with the call, what became of the hold that is open (None where it is good
for this attempt too), and the attempt's number. Gives why it may not be made."""

AsyncRehold = Callable[[Prepared, Ending | None, int], Awaitable[AttemptRefused | None]]

Told = Callable[[GatewayError], None]
"""Told of each attempt that gave nothing, as soon as that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """One sending that gave no usable answer."""

    number: int
    kind: str
    status: int | None
    billed: Billed
    connection: str
    model: str
    error: GatewayError | None
    """None where a whole answer came that broke its schema."""

    cost: int | None
    """Nano-dollars; None: unknown."""

    waited: float = 0.0
    """Seconds until the next one was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A call that has had its last attempt."""

    prepared: Prepared
    completion: Completion | None
    error: GatewayError | None
    failures: tuple[FailedAttempt, ...]
    """In order; where there is no completion, the last of them is the call's own end."""

    attempts: int
    held_attempt: int
    """Whose hold is open."""

    ended_at: datetime

    started: float
    """`time.monotonic()` when the call began."""

    fell_back: bool = False
    """Whether somebody else was asked than was meant."""


class NotAgain(Exception):
    """No budget has room for another attempt, or every call was stopped."""


@dataclass(slots=True)
class Tally:
    """What happened to a call so far."""

    prepared: Prepared
    policy: RetryPolicy
    started: float = field(default_factory=time.monotonic)
    failed_at: float = 0.0
    failures: list[FailedAttempt] = field(default_factory=list)
    attempts: int = 0
    held_attempt: int = 1
    earlier: int = 0
    """Attempts that were made of somebody else, before this one was asked instead."""
    told: Told | None = None
    is_out: bool = False
    """Whether an attempt has left of which nobody knows yet how it ends."""

    def begin(self) -> None:
        """An attempt is about to be made."""
        self.attempts += 1
        if self.failures:
            waited = round(time.monotonic() - self.failed_at, 3)
            self.failures[-1] = replace(self.failures[-1], waited=waited)

    @property
    def is_again(self) -> bool:
        """Whether the attempt that is being made is not the first of its kind: it must be asked whether it may be."""
        return self.attempts > self.earlier + 1

    @property
    def free(self) -> bool:
        """Whether an attempt costs nothing, whatever comes of it."""
        price = self.prepared.plan.price
        return price is not None and price.is_free

    @property
    def spent(self) -> Ending | None:
        """What became of the hold that is open: where nobody knows, it is charged in full. None: it is good still."""
        if self.failures[-1].billed == Billed.NO:
            return None
        return Ending(call_id=self.prepared.call_id, attempt=self.held_attempt, cost=None)

    def reheld(self, refusal: AttemptRefused | None) -> None:
        """What came of asking whether it may be sent once more.

        Raises:
            NotAgain: it may not.
        """
        if refusal is not None:
            self.attempts -= 1  # It was never sent.
            raise NotAgain from refusal
        if self.spent is not None:
            self.held_attempt = self.attempts

    def elapsed(self) -> float:
        """Seconds since the call began."""
        return time.monotonic() - self.started

    @property
    def timeout(self) -> float:
        """Seconds that are left for the whole call."""
        return max(0.001, self.policy.deadline - self.elapsed())

    def failed(self, error: GatewayError) -> GatewayError:
        """Note an attempt that gave nothing; the error, to be raised again."""
        self.failed_at = time.monotonic()
        self.is_out = False
        if self.told is not None:
            self.told(error)
        error.forget(self.prepared.plan.connection.api_key)
        mind(self.prepared, error)
        self.failures.append(
            FailedAttempt(
                number=self.attempts,
                kind=error.kind,
                status=error.status,
                billed=error.billed,
                connection=self.prepared.request.connection,
                model=self.prepared.request.model,
                error=error,
                cost=0 if error.billed == Billed.NO or self.free else None,
            )
        )
        return error

    def given_up(self) -> Ended:
        """The call as it is after the last attempt that left and failed, where no other is made after it."""
        self.attempts = self.failures[-1].number
        return self.ended()

    def broken(self, error: Exception) -> Ended:
        """A fault of ours: it must not take other calls down with it, and may have cost money."""
        logger.error("call %s", self.prepared.call_id, exc_info=error)
        self.failed(Malformed(f"The call failed inside this program: {type(error).__name__}."))
        return self.ended()

    def ended(self, completion: Completion | None = None) -> Ended:
        """The call as it is after its last attempt."""
        return Ended(
            prepared=self.prepared,
            completion=completion,
            error=None if completion else self.failures[-1].error,
            failures=tuple(self.failures),
            attempts=self.attempts,
            held_attempt=self.held_attempt,
            ended_at=timezone.now(),
            started=self.started,
            fell_back=self.earlier > 0,
        )


def ask(tally: Tally, *, rehold: Rehold) -> Ended:
    """Send a call until it is answered or the policy gives up, blocking. Never raises for what a provider does."""
    prepared, policy = tally.prepared, tally.policy
    heard = heard_by(prepared)

    def once() -> Completion:
        tally.begin()
        if tally.is_again:
            tally.reheld(rehold(prepared, tally.spent, tally.attempts))
        try:
            with leave(prepared, tally.timeout) as permit:
                came = send(prepared.request, prepared.plan.connection, timeout=tally.timeout, heard=heard)
                if came.usage is not None:
                    permit.used(came.usage.tokens_in + came.usage.tokens_out)
                return came
        except GatewayError as error:
            raise tally.failed(error) from error.__cause__

    try:
        return tally.ended(tenacity.Retrying(**policy.for_tenacity(tally.elapsed))(once))
    except (GatewayError, NotAgain):
        return tally.ended()
    except Exception as error:
        return tally.broken(error)


async def aask(tally: Tally, *, rehold: AsyncRehold) -> Ended:
    """As `ask`, without blocking the event loop."""
    prepared, policy = tally.prepared, tally.policy
    heard = heard_by(prepared)

    async def once() -> Completion:
        tally.begin()
        if tally.is_again:
            tally.reheld(await rehold(prepared, tally.spent, tally.attempts))
        try:
            async with aleave(prepared, tally.timeout) as permit:
                tally.is_out = True
                came = await asend(prepared.request, prepared.plan.connection, timeout=tally.timeout, heard=heard)
                if came.usage is not None:
                    permit.used(came.usage.tokens_in + came.usage.tokens_out)
                return came
        except GatewayError as error:
            raise tally.failed(error) from error.__cause__

    try:
        return tally.ended(await once())
    except GatewayError as error:
        # Nearly every call is answered the first time, and needs none of the machinery for what comes now.
        first: GatewayError | None = error
    except Exception as error:
        return tally.broken(error)

    async def once_more() -> Completion:
        nonlocal first
        if first is not None:
            failed, first = first, None
            raise failed
        return await once()

    try:
        return tally.ended(await tenacity.AsyncRetrying(**policy.for_tenacity(tally.elapsed))(once_more))
    except (GatewayError, NotAgain):
        return tally.ended()
    except Exception as error:
        return tally.broken(error)
