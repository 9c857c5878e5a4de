"""What a block of code spends: each call that ends inside it is added up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from aiops.execution.judge import Outcome
from aiops.ledger.money import to_dollars

_open: ContextVar[tuple[CostTracker, ...]] = ContextVar("aiops_costs", default=())


@dataclass(slots=True)
class CostTracker:
    """The sum so far."""

    nano_dollars: int = 0
    """Of the calls whose cost is known."""

    unknown: int = 0
    """Calls whose cost nobody knows: they are not in the sum."""

    saved_nano_dollars: int = 0
    """What answers that were reused would have cost."""

    tokens_in: int = 0
    tokens_out: int = 0
    call_ids: list[UUID] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """How many calls ended, answered or not."""
        return len(self.call_ids)

    @property
    def cost(self) -> Decimal:
        """Dollars, of the calls whose cost is known."""
        return to_dollars(self.nano_dollars)

    @property
    def saved(self) -> Decimal:
        """Dollars."""
        return to_dollars(self.saved_nano_dollars)

    def add(self, outcome: Outcome) -> None:
        """Count a call that has ended."""
        self.call_ids.append(outcome.call_id)
        self.saved_nano_dollars += outcome.end.saved or 0
        if outcome.cost is None:
            self.unknown += 1
        else:
            self.nano_dollars += outcome.cost
        usage = outcome.end.completion.usage if outcome.end.completion else None
        if usage is not None and not outcome.end.reused_from:
            self.tokens_in += usage.tokens_in
            self.tokens_out += usage.tokens_out


@contextmanager
def track_costs() -> Iterator[CostTracker]:
    """Add up what the calls made inside the block cost, those of the tasks that it starts included.

    A thread of its own begins with nothing to add to: run it in `contextvars.copy_context()` to have it counted.
    """
    tracker = CostTracker()
    token = _open.set((*_open.get(), tracker))
    try:
        yield tracker
    finally:
        _open.reset(token)


def note(outcome: Outcome) -> None:
    """Let everybody who adds up know of a call that has ended."""
    for tracker in _open.get():
        tracker.add(outcome)
