"""What tests of the SDK's own client have in common: what is asked, and what must be left behind."""

from __future__ import annotations

from aiops.calls.models import Call
from aiops.ledger.models import BudgetPeriod, Hold

ASK = [{"role": "user", "content": "What is a chargeback?"}]
CHAT = {"model": "gpt-6-luna", "messages": ASK, "max_completion_tokens": 50}


def closed(*, settled: int | None = None) -> Call:
    """The one call that was made: closed, with nothing held any more.

    Args:
        settled: nano-dollars that must have been charged; None for the call's cost.
    """
    row = Call.objects.get()
    assert row.status != "sending"
    assert row.ended_at is not None
    period = BudgetPeriod.objects.get()
    assert period.held == 0
    assert not Hold.objects.filter(state="held").exists()
    assert period.settled == (row.cost if settled is None else settled)
    return row


def charged_at_its_hold() -> Call:
    """As `closed`, of a call whose cost nobody knows."""
    hold = Hold.objects.get()
    assert hold.settled == hold.amount > 0
    row = closed(settled=hold.amount)
    assert row.cost is None
    return row
