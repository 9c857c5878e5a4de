"""Anything in any order: the ledger does what a page of arithmetic says, and its counters are always its sum.

STEPS=200000 pytest tests/ledger/test_stateful.py
"""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from aiops.ledger.holds import Ending, Wanted, close, hold
from aiops.ledger.models import Budget, BudgetPeriod, Hold
from aiops.ledger.periods import bounds, change_cap, unfreeze
from aiops.ledger.rebuild import differences, rebuild
from aiops.ledger.scopes import ChargedTo

STEPS = int(os.environ.get("STEPS", 2000))
EACH = 50
"""Steps from one empty ledger."""

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
BUDGETS = [
    ("All", "everything", "", "month"),
    ("Ever", "everything", "", "never"),
    ("Each connection", "connection", "", "day"),
    ("Connection a", "connection", "a", "week"),
    ("Each user", "user", "", "day"),
    ("Each job", "job", "", "never"),
]
CHARGED = st.builds(
    ChargedTo,
    connection=st.sampled_from("ab"),
    user_id=st.sampled_from([None, 1, 2]),
    job_id=st.sampled_from([None, 7]),
)
AMOUNTS = st.integers(min_value=0, max_value=120)


class Period:
    """What a period has come to, by the page of arithmetic."""

    def __init__(self, cap):
        self.cap, self.held, self.settled, self.frozen = cap, 0, 0, False

    def has_room(self, amount):
        return not self.frozen and self.settled + self.held + amount <= self.cap


class Ledger(RuleBasedStateMachine):
    """Holds, ends, replays, kills, midnights, caps; beside it the same in plain numbers."""

    held = Bundle("held")
    ended = Bundle("ended")

    def __init__(self):
        super().__init__()
        for model in (Hold, BudgetPeriod, Budget):
            model.objects.all().delete()
        self.now = START
        self.ids = count(1)
        self.budgets = {
            name: Budget.objects.create(name=name, scope=scope, subject=subject, renewal=renewal, cap=400)
            for name, scope, subject, renewal in BUDGETS
        }
        self.periods = {}
        self.open = {}

    def periods_of(self, to):
        """The keys of the periods that count a call, opened where it is the first."""
        keys = []
        for budget in self.budgets.values():
            for subject in to.subjects(budget.scope, []):
                if not budget.active or budget.subject not in ("", subject):
                    continue
                key = (budget.name, subject, bounds(budget.renewal, self.now)[0])
                self.periods.setdefault(key, Period(budget.cap))
                keys.append(key)
        return keys

    @rule(target=held, wanted=st.lists(st.tuples(CHARGED, AMOUNTS), min_size=1, max_size=4))
    def holds(self, wanted):
        calls = [Wanted(call_id=UUID(int=next(self.ids)), attempt=1, amount=amount, to=to) for to, amount in wanted]
        # In order: the first that does not fit ends it.
        expected = 0
        keys = {one.call_id: self.periods_of(one.to) for one in calls}
        for one in calls:
            if not all(self.periods[key].has_room(one.amount) for key in keys[one.call_id]):
                break
            for key in keys[one.call_id]:
                self.periods[key].held += one.amount
            self.open[one.call_id] = (one.amount, keys[one.call_id])
            expected += 1
        granted = hold(calls, now=self.now)
        assert granted.count == expected
        assert (granted.refusal is None) == (expected == len(calls))
        return multiple(*(one.call_id for one in calls[:expected]))

    @rule(target=ended, call=consumes(held), cost=st.one_of(st.none(), AMOUNTS), released=st.booleans())
    def ends(self, call: UUID, cost, released):
        ending = Ending(call_id=call, attempt=1, cost=cost, released=released)
        close([ending], now=self.now)
        # Whose process died was charged for already.
        amount, keys = self.open.pop(call, (0, ()))
        for key in keys:
            period = self.periods[key]
            period.held -= amount
            spent = 0 if released else amount if cost is None else cost
            period.settled += spent
            period.frozen = period.frozen or spent > amount
        return ending

    @rule(ending=ended, cost=AMOUNTS)
    def is_told_again(self, ending, cost):
        close([ending, Ending(call_id=ending.call_id, attempt=1, cost=cost)], now=self.now)

    @rule()
    def a_process_dies(self):
        """The sweeper charges all that is open at its hold."""
        close([Ending(call_id=call, attempt=1, cost=None) for call in self.open], now=self.now)
        for amount, keys in self.open.values():
            for key in keys:
                self.periods[key].held -= amount
                self.periods[key].settled += amount
        self.open = {}

    @rule(hours=st.sampled_from([1, 7, 24, 24 * 8, 24 * 31]))
    def time_goes_by(self, hours):
        self.now += timedelta(hours=hours)

    @rule(name=st.sampled_from([name for name, *_ in BUDGETS]), cap=st.integers(min_value=0, max_value=1000))
    def somebody_changes_a_cap(self, name, cap):
        change_cap(self.budgets[name], cap, now=self.now)
        for period in self.present(name):
            period.cap = cap

    @rule(name=st.sampled_from([name for name, *_ in BUDGETS]))
    def somebody_unfreezes(self, name):
        unfreeze(self.budgets[name], now=self.now)
        for period in self.present(name):
            period.frozen = False

    @rule(name=st.sampled_from([name for name, *_ in BUDGETS]))
    def somebody_switches_a_budget(self, name):
        budget = self.budgets[name]
        budget.active = not budget.active
        budget.save()

    @rule()
    def somebody_rebuilds(self):
        assert rebuild() == []

    def present(self, name):
        starts = bounds(self.budgets[name].renewal, self.now)[0]
        return [period for key, period in self.periods.items() if key[0] == name and key[2] == starts]

    @invariant()
    def counters_are_the_sum_of_the_ledger(self):
        assert differences() == []

    @invariant()
    def it_is_what_the_page_says(self):
        real = {
            (period.budget.name, period.subject, period.starts_at): (period.held, period.settled, period.frozen)
            for period in BudgetPeriod.objects.select_related("budget")
        }
        assert real == {key: (one.held, one.settled, one.frozen) for key, one in self.periods.items()}

    @invariant()
    def what_is_set_aside_is_what_is_under_way(self):
        held = defaultdict(int)
        for amount, keys in self.open.values():
            for key in keys:
                held[key] += amount
        assert {key: one.held for key, one in self.periods.items() if one.held} == {k: v for k, v in held.items() if v}


@pytest.mark.django_db
def test_anything_in_any_order():
    settings = hypothesis.settings(
        max_examples=max(1, STEPS // EACH),
        stateful_step_count=EACH,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    run_state_machine_as_test(Ledger, settings=settings)
