"""The two sides beside each other."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from aiops.execution.reconciliation.bill import Bill, BillLine
from aiops.execution.reconciliation.compared import compare
from aiops.execution.reconciliation.figures import Figures
from aiops.execution.reconciliation.names import model_in

DOLLAR = 1_000_000_000
DAY, NEXT = date(2026, 11, 1), date(2026, 11, 2)


def bill(*lines):
    made = Bill()
    made.add([BillLine(day=day, name=name, figures=Figures(**told)) for day, name, told in lines], model_in)
    return made


def log(*lines):
    return {(day, name): Figures(**told) for day, name, told in lines}


def beside(billed, logged, **options):
    return compare(billed, logged, **{"since": DAY, "until": NEXT, "limit": Decimal(2)} | options)


@pytest.mark.parametrize(
    ("billed", "logged", "drift", "off"),
    [
        (100 * DOLLAR, 100 * DOLLAR, "0.0", False),
        (100 * DOLLAR, 98 * DOLLAR, "-2.0", False),
        (100 * DOLLAR, 98 * DOLLAR - 1, "-2.0", True),
        (100 * DOLLAR, 102 * DOLLAR, "2.0", False),
        (100 * DOLLAR, 150 * DOLLAR, "50.0", True),
        # Half as much again, and still nothing.
        (DOLLAR // 1000, DOLLAR // 500, "100.0", False),
        (0, DOLLAR, None, True),
        (-DOLLAR, DOLLAR, "200.0", True),
    ],
)
def test_how_far_they_are_from_each_other(billed, logged, drift, off):
    found = beside(bill((DAY, "m", {"cost": billed})), log((DAY, "m", {"cost": logged})))
    [line] = found.lines
    assert line.drift == (None if drift is None else Decimal(drift))
    assert (line.is_off, bool(found.off)) == (off, off)


def test_what_only_one_side_knows_is_told_apart():
    found = beside(
        bill((DAY, "m", {"cost": DOLLAR}), (DAY, "evals | m", {"cost": 3 * DOLLAR})),
        log((DAY, "m", {"cost": DOLLAR}), (DAY, "house", {"cost": 2 * DOLLAR}), (NEXT, "m", {"cost": 5 * DOLLAR})),
    )
    assert [(line.model, line.side) for line in found.lines] == [
        ("evals | m", "billed"),
        ("house", "logged"),
        ("m", "both"),
        ("m", "logged"),
    ]
    assert (found.only("billed"), found.only("logged")) == (3 * DOLLAR, 7 * DOLLAR)
    assert [line.is_off for line in found.lines] == [True, True, False, True]


def test_what_surely_cost_nothing_need_not_be_billed():
    found = beside(
        bill((DAY, "m", {"cost": DOLLAR})),
        log((DAY, "m", {"cost": DOLLAR}), (DAY, "local", {"cost": 0, "calls": 9})),
    )
    assert [line.model for line in found.lines] == ["m"]


def test_what_nobody_knows_the_cost_of_is_shown_and_is_no_zero():
    found = beside(bill((DAY, "m", {"cost": DOLLAR})), log((DAY, "house", {"cost": 0, "calls": 2, "unknown": 2})))
    assert [(line.model, line.logged.unknown) for line in found.lines] == [("house", 2), ("m", 0)]
    assert found.total.logged.unknown == 2


def test_a_bill_by_day_alone_is_compared_by_day():
    found = beside(
        bill((DAY, "", {"cost": 3 * DOLLAR})), log((DAY, "a", {"cost": DOLLAR}), (DAY, "b", {"cost": 2 * DOLLAR}))
    )
    assert [(line.day, line.model, line.difference) for line in found.lines] == [(DAY, "", 0)]


def test_a_bill_without_costs_is_compared_by_tokens():
    told = {"tokens_in": 100_000, "tokens_out": 10_000}
    found = beside(bill((DAY, "m", told)), log((DAY, "m", {**told, "tokens_in": 90_000, "cost": DOLLAR})))
    [line] = found.lines
    assert (line.in_money, line.difference, line.drift, line.is_off) == (False, -10_000, Decimal("-9.1"), True)


def test_days_that_even_out_are_off_each_by_itself():
    found = beside(
        bill((DAY, "m", {"cost": DOLLAR}), (NEXT, "m", {"cost": 3 * DOLLAR})),
        log((DAY, "m", {"cost": 3 * DOLLAR}), (NEXT, "m", {"cost": DOLLAR})),
    )
    assert (found.total.difference, [line.day for line in found.off]) == (0, [DAY, NEXT])


def test_small_differences_everywhere_add_up_in_the_total():
    lines = [(DAY, f"m{number}", {"cost": DOLLAR // 200}) for number in range(100)]
    found = beside(bill(*lines), {})
    assert [line.is_off for line in found.lines] == [False] * 100
    assert [line.day for line in found.off] == [None]


def test_days_that_were_not_asked_for_are_left_out():
    billed = bill((date(2026, 10, 31), "m", {"cost": DOLLAR}), (DAY, "m", {"cost": DOLLAR}))
    assert [line.day for line in beside(billed, {}).lines] == [DAY]
