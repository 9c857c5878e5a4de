"""The pages of prices of one's own."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from aiops.ledger.own_prices import OwnPrice

LIST = "/admin/aiops/ownprice/"


def make(model="gpt-6-luna", days=-1, until=None, **fields):
    now = timezone.now()
    return OwnPrice.objects.create(
        model=model,
        starts_at=now + timedelta(days=days),
        ends_at=None if until is None else now + timedelta(days=until),
        **{"input_tokens": Decimal("0.25"), **fields},
    )


def posted(**changes):
    return {
        "model": "house-model",
        "connection": "",
        "starts_at_0": "2026-11-01",
        "starts_at_1": "00:00:00",
        "input_tokens": "2.5",
        "output_tokens": "10",
    } | changes


def test_the_list_says_what_it_is_for_while_it_is_empty(boss):
    html = boss.get(LIST).content.decode()
    assert "No price of your own" in html and "Give a price" in html


def test_the_list_says_which_hold(boss, django_assert_num_queries):
    make("over", days=-9, until=-1)
    make("now")
    make("later", days=3, connection="default")
    boss.get(LIST)
    with django_assert_num_queries(5):  # session, user, stops, count, prices
        html = boss.get(LIST).content.decode()
    for mark in ("aiops-finished", "aiops-running", "aiops-pending"):
        assert html.count(mark) == 1
    assert "$0.25" in html and "every one" in html


def test_a_price_is_given(boss):
    assert boss.post(f"{LIST}add/", posted()).status_code == 302
    made = OwnPrice.objects.get()
    assert (made.input_tokens, made.output_tokens, made.ends_at) == (Decimal("2.5"), Decimal(10), None)
    assert LogEntry.objects.get().is_addition()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"input_tokens": "-1"}, "Ensure this value is greater than or equal to 0."),
        ({"input_tokens": "", "output_tokens": ""}, "Give at least one rate; zero where it costs nothing."),
        ({"ends_at_0": "2026-10-01", "ends_at_1": "00:00:00"}, "It ends before it begins."),
        ({"input_tokens": "€ 3"}, "Enter a number."),
    ],
)
def test_what_makes_no_sense_is_refused_in_its_place(boss, changes, sentence):
    assert sentence in boss.post(f"{LIST}add/", posted(**changes)).content.decode()
    assert not OwnPrice.objects.exists()


def test_two_that_hold_at_once_are_refused(boss):
    make("house-model", days=-100)
    html = boss.post(f"{LIST}add/", posted()).content.decode()
    assert "Another price of it holds from" in html


@pytest.mark.parametrize(("permission", "may"), [("view_ownprice", 403), ("add_ownprice", 302)])
def test_only_whoever_may_gives_one(sign_in, permission, may):
    assert sign_in(f"aiops.{permission}").post(f"{LIST}add/", posted()).status_code == may
