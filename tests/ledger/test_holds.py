"""Nothing is spent past a budget, and every nano-dollar is accounted for."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from aiops.ledger.holds import Ending, Wanted, close, hold
from aiops.ledger.models import Budget, BudgetPeriod, Hold
from aiops.ledger.periods import bounds, change_cap, periods_of, unfreeze
from aiops.ledger.scopes import EVERYBODY

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def cap(budget):
    """Set the cap of the one budget, in nano-dollars."""

    def set_cap(nanos):
        change_cap(budget, nanos, now=NOW)
        return budget

    return set_cap


def wanted(*amounts):
    return [Wanted(call_id=uuid4(), attempt=1, amount=amount) for amount in amounts]


def counters():
    period = BudgetPeriod.objects.get()
    held = sum(Hold.objects.filter(state=Hold.State.HELD).values_list("amount", flat=True))
    settled = sum(Hold.objects.exclude(settled=None).values_list("settled", flat=True))
    assert (period.held, period.settled) == (held, settled), "the counters are not the sum of the ledger"
    return period.held, period.settled


def test_money_is_held_then_settled_at_what_it_cost(cap):
    cap(1000)
    [one] = wanted(300)
    assert hold([one], now=NOW).count == 1
    assert counters() == (300, 0)
    close([Ending(call_id=one.call_id, attempt=1, cost=120)], now=NOW)
    assert counters() == (0, 120)


def test_a_release_gives_all_of_it_back(cap):
    cap(1000)
    [one] = wanted(300)
    hold([one], now=NOW)
    close([Ending(call_id=one.call_id, attempt=1, cost=0, released=True)], now=NOW)
    assert counters() == (0, 0)
    assert Hold.objects.get().state == Hold.State.RELEASED


def test_an_unknown_cost_is_charged_at_its_hold(cap):
    cap(1000)
    [one] = wanted(300)
    hold([one], now=NOW)
    close([Ending(call_id=one.call_id, attempt=1, cost=None)], now=NOW)
    assert counters() == (0, 300)


def test_settling_twice_changes_nothing(cap):
    cap(1000)
    [one] = wanted(300)
    hold([one], now=NOW)
    for cost in (120, 300):
        close([Ending(call_id=one.call_id, attempt=1, cost=cost)], now=NOW)
    assert counters() == (0, 120)


@pytest.mark.parametrize(
    ("room", "amounts", "granted"),
    [
        (1000, [400, 400, 200], 3),
        (999, [400, 400, 200], 2),
        (799, [400, 400, 200], 1),
        (399, [400, 400, 200], 0),
        (0, [0, 0], 2),
        (100, [0, 100, 1], 2),
    ],
)
def test_as_many_as_there_is_room_for_in_order_and_none_in_part(cap, room, amounts, granted):
    cap(room)
    result = hold(wanted(*amounts), now=NOW)
    assert result.count == granted
    assert counters() == (sum(amounts[:granted]), 0)
    assert (result.refusal is None) == (granted == len(amounts))


def test_a_refusal_names_the_budget_what_is_left_and_when_it_is_renewed(cap):
    cap(12_000_000)
    refusal = hold(wanted(13_000_000), now=NOW).refusal
    assert str(refusal) == (
        "The budget “Everything” has $0.012 left, and this may cost $0.013; "
        "it is renewed on Dec. 1, 2026, midnight, or raise its cap."
    )


def test_usage_beyond_the_hold_is_written_down_and_freezes_the_budget(cap):
    budget = cap(1000)
    [one] = wanted(300)
    hold([one], now=NOW)
    close([Ending(call_id=one.call_id, attempt=1, cost=450)], now=NOW)
    assert counters() == (0, 450)
    excess = Hold.objects.get(kind=Hold.Kind.EXCESS)
    assert (excess.amount, excess.settled) == (150, 150)
    refusal = hold(wanted(1), now=NOW).refusal
    assert str(refusal).startswith("The budget “Everything” is frozen: Call ")
    assert unfreeze(budget, now=NOW) == 1
    assert hold(wanted(1), now=NOW).count == 1


def test_every_budget_must_have_room_and_none_is_touched_when_one_has_not(cap):
    cap(1000)
    Budget.objects.create(name="Tight", renewal=Budget.Renewal.DAY, cap=100)
    result = hold(wanted(60, 60), now=NOW)
    assert result.count == 1
    assert str(result.refusal.period.budget) == "Tight"
    assert {period.held for period in periods_of(EVERYBODY, NOW)} == {60}


def test_a_visitor_elsewhere_opens_no_second_day_of_money(cap, settings):
    settings.TIME_ZONE = "UTC"
    Budget.objects.update(renewal=Budget.Renewal.DAY)
    now = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
    with timezone.override("Asia/Tokyo"):
        [of_visitor] = periods_of(EVERYBODY, now)
        assert str(of_visitor).endswith("2026-11-24")
    [of_worker] = periods_of(EVERYBODY, now + timedelta(minutes=30))
    assert of_worker == of_visitor


def test_an_inactive_budget_holds_nothing_back(cap):
    budget = cap(0)
    Budget.objects.filter(pk=budget.pk).update(active=False)
    assert hold(wanted(10**12), now=NOW).count == 1
    assert not Hold.objects.exists()


def test_the_next_month_is_a_row_of_its_own(cap):
    cap(1000)
    hold(wanted(900), now=NOW)
    assert hold(wanted(900), now=NOW).count == 0
    assert hold(wanted(900), now=NOW + timedelta(days=11)).count == 1
    assert BudgetPeriod.objects.count() == 2


def test_a_changed_cap_holds_for_the_period_under_way(cap):
    cap(100)
    assert hold(wanted(200), now=NOW).count == 0
    cap(200)
    assert hold(wanted(200), now=NOW).count == 1


@pytest.mark.parametrize(
    ("zone", "renewal", "now", "first", "last"),
    [
        ("UTC", "day", "2026-11-20 12:00", "2026-11-20 00:00", "2026-11-21 00:00"),
        ("UTC", "week", "2026-11-20 12:00", "2026-11-16 00:00", "2026-11-23 00:00"),
        ("UTC", "month", "2026-12-31 23:59", "2026-12-01 00:00", "2027-01-01 00:00"),
        # Clocks go back on 25 October: that day has 25 hours.
        ("Europe/Berlin", "day", "2026-10-25 12:00", "2026-10-24 22:00", "2026-10-25 23:00"),
        ("Europe/Berlin", "week", "2026-10-25 12:00", "2026-10-18 22:00", "2026-10-25 23:00"),
        ("Europe/Berlin", "day", "2026-03-29 12:00", "2026-03-28 23:00", "2026-03-29 22:00"),
        ("Europe/Berlin", "month", "2026-10-31 23:30", "2026-10-31 23:00", "2026-11-30 23:00"),
    ],
)
def test_periods_are_those_of_the_calendar_where_the_shop_is(settings, zone, renewal, now, first, last):
    settings.TIME_ZONE = zone
    moments = [datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC) for text in (now, first, last)]
    assert list(bounds(renewal, moments[0])) == moments[1:]
