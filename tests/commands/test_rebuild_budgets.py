"""`rebuild_budgets`, to the letter."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import transaction

from aiops.ledger.holds import Ending, Wanted, close, hold
from aiops.ledger.models import BudgetPeriod

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def period(budget):
    """A period of which 0.3 dollars are set aside, 0.12 spent and 0.2 given back."""
    calls = [Wanted(call_id=uuid4(), attempt=1, amount=amount) for amount in (300_000_000, 200_000_000, 200_000_000)]
    with transaction.atomic():
        hold(calls, now=NOW)
        close([Ending(call_id=calls[1].call_id, attempt=1, cost=120_000_000)], now=NOW)
        close([Ending(call_id=calls[2].call_id, attempt=1, cost=0, released=True)], now=NOW)
    return BudgetPeriod.objects.get()


def test_counters_that_are_right_are_said_to_be(run, period):
    assert run("rebuild_budgets", "--check").stdout == "1 period: counters and holds agree.\n"
    assert run("rebuild_budgets").stdout == "1 period: counters and holds agree.\n"
    assert json.loads(run("rebuild_budgets", "--json").stdout) == {"periods": 1, "differences": [], "changed": True}


def test_counters_that_are_wrong_are_found_and_put_right(run, period):
    BudgetPeriod.objects.update(held=0, settled=500_000_000)
    line = "Everything, 2026-11-01: set aside $0.00, by its holds $0.30; spent $0.50, by its holds $0.12\n"
    found = run("rebuild_budgets", "--check")
    assert (found.code, found.stdout) == (1, f"{line}1 of 1 periods wrong. Nothing was changed.\n")
    assert found.stderr == "CommandError: Counters and holds disagree: manage.py rebuild_budgets puts that right.\n"
    [told] = json.loads(run("rebuild_budgets", "--check", "--json").stdout)["differences"]
    assert (told["held"], told["held_by_holds"], told["settled_by_holds"]) == (0, 300_000_000, 120_000_000)
    assert run("rebuild_budgets").stdout == f"{line}1 of 1 periods put right.\n"
    period.refresh_from_db()
    assert (period.held, period.settled) == (300_000_000, 120_000_000)
    assert run("rebuild_budgets", "--check").code == 0


def test_what_was_spent_beyond_a_hold_counts(run, budget):
    [one] = [Wanted(call_id=uuid4(), attempt=1, amount=100)]
    with transaction.atomic():
        hold([one], now=NOW)
        close([Ending(call_id=one.call_id, attempt=1, cost=150)], now=NOW)
    assert run("rebuild_budgets", "--check").code == 0
    BudgetPeriod.objects.update(settled=0)
    run("rebuild_budgets")
    assert BudgetPeriod.objects.get().settled == 150
