"""`spend_report`, to the letter."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.utils.formats import date_format

from aiops.dashboard.chart import scale
from aiops.dashboard.figures import Figures
from aiops.dashboard.rate import outlook
from aiops.dashboard.stretch import stretch_of
from aiops.dashboard.words import change, forecast, percent
from tests.screens.rows import make_version
from tests.spend.days import call_on, day, today

pytestmark = pytest.mark.django_db(transaction=True)

CENT = 10_000_000


@pytest.fixture
def spent(version):
    """Two prompts this week, one of them in the week before."""
    call_on(day(1), version, cost=125 * CENT, total_ms=840)
    call_on(day(2), version, cost=None, status="failed", total_ms=None)
    call_on(day(1), make_version("summary"), cost=30 * CENT, total_ms=840)
    call_on(day(1), None, cost=50 * CENT, total_ms=840)
    call_on(day(8), version, cost=100 * CENT)


def test_it_says_what_was_spent_by_what(run, spent):
    ran = run("spend_report", "--days", "7")
    head, so_far, unknown, empty, *table = ran.stdout.splitlines()
    assert ran.code == 0
    assert head == f"Spend from {date_format(day(6))} to {date_format(today())}, by prompt"
    assert so_far.startswith("today $0.00 · this month ") and "at this rate" in so_far
    assert unknown == "1 call of unknown cost is not in these sums."
    assert empty == ""
    assert table == [
        "prompt            spent   change  calls  tokens in / out  failed  median    95 %  saved  unknown cost",
        "triage-ticket     $1.25   ▲ 25 %      2       2,468 / 50    50 %  837 ms  837 ms  $0.00             1",
        "summary           $0.30      new      1       1,234 / 25     0 %  837 ms  837 ms  $0.00             0",
        "without a prompt  $0.50        –      1       1,234 / 25     0 %       –       –  $0.00             0",
        "in all            $2.05  ▲ 105 %      4      4,936 / 100    25 %  837 ms  958 ms  $0.00             1",
    ]


def test_nothing_is_said_of_calls_that_there_are_not(run):
    assert run("spend_report").stdout.splitlines()[-1] == "No calls yet."
    call_on(day(50), None)
    assert run("spend_report", "--days", "7").stdout.splitlines()[-1] == "No calls on these days."


def test_it_is_there_for_scripts(run, spent):
    told = json.loads(run("spend_report", "--days", "7", "--by", "connection", "--json").stdout)
    assert (told["first"], told["last"], told["by"], told["today"]) == (str(day(6)), str(today()), "connection", 0)
    [line] = told["lines"]
    assert (line["name"], line["cost"], line["cost_before"], line["calls"]) == ("default", 205 * CENT, 100 * CENT, 4)
    assert (line["failed"], line["unknown_costs"], line["median_ms"]) == (1, 1, 837)
    assert told["total"]["cost"] == 205 * CENT
    assert told["outside"] is None


def test_it_is_there_for_spreadsheets(run, spent):
    rows = list(csv.DictReader(io.StringIO(run("spend_report", "--days", "7", "--csv").stdout.removeprefix("\ufeff"))))
    assert [(row["name"], row["cost"], row["cost_before"], row["p95_ms"]) for row in rows] == [
        ("triage-ticket", "1.250000000", "1.000000000", "837"),
        ("summary", "0.300000000", "0.000000000", "837"),
        ("without a prompt", "0.500000000", "", ""),
    ]


def test_it_can_be_sent(run, spent):
    # On the first of a month, yesterday was in another one.
    call_on(today(), None, cost=50 * CENT)
    ran = run("spend_report", "--month", "--by", "user", "--mail", "boss@example.com", "--mail", "ada@example.com")
    assert (ran.code, ran.stdout) == (0, "Sent to boss@example.com, ada@example.com.\n")
    [message] = mail.outbox
    assert message.to == ["boss@example.com", "ada@example.com"]
    assert message.subject.startswith("Spend from ") and message.subject.endswith(", by user")
    assert "of nobody" in message.body
    [(name, content, kind)] = message.attachments
    assert name.startswith("spend-user-") and kind == "text/csv" and "of nobody" in content


def test_a_mail_that_cannot_be_sent_is_told_of(run, spent, settings):
    settings.DEFAULT_FROM_EMAIL = "shop\n@example.com"
    ran = run("spend_report", "--mail", "boss@example.com")
    assert ran.code == 2 and ran.stderr.startswith("CommandError: The mail could not be sent: ")


@pytest.mark.parametrize("wrong", [["--days", "0"], ["--days", "367"], ["--days", "7", "--month"], ["--by", "weather"]])
def test_what_makes_no_sense_is_refused(run, wrong):
    assert run("spend_report", *wrong).code == 2


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [(14, 10, "▲ 40 %"), (5, 10, "▼ 50 %"), (0, 10, "▼ 100 %"), (5, 0, "new"), (0, 0, "–"), (1000, 1, "▲ >999 %")],
)
def test_how_much_it_changed(now, before, shown):
    assert change(now, before) == shown


@pytest.mark.parametrize(("share", "shown"), [(None, "–"), (0, "0 %"), (0.83, "0.8 %"), (12.4, "12 %")])
def test_shares(share, shown):
    assert percent(share) == shown


NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


def costs(**by_ago):
    days = {int(ago.removeprefix("d")): cost for ago, cost in by_ago.items()}
    return {NOON.date() - timedelta(days=ago): Figures(calls=1, cost=cost) for ago, cost in days.items()}


@pytest.mark.parametrize(
    ("days", "month", "a_day", "at_end"),
    [
        ({}, 0, None, None),
        (costs(d0=5), 5, None, None),
        # Yesterday was the first day: so much on each of the 20.5 that are left.
        (costs(d1=10, d0=5), 15, 10, 15 + 205),
        # Two of the last seven days: what was long before does not count, days of nothing do.
        (costs(d9=900, d7=70, d1=70), 1040, 20, 1040 + 410),
    ],
)
def test_where_the_month_is_going(days, month, a_day, at_end):
    found = outlook(days, NOON)
    assert (found.month, found.a_day, found.at_end) == (month, a_day, at_end)
    assert str(found.ends) == "2026-11-30"
    assert ("at this rate" in forecast(found)) is (at_end is not None)


def test_the_month_is_compared_with_as_many_days_of_the_one_before():
    month = stretch_of("month", datetime(2026, 3, 30, tzinfo=UTC).date())
    assert (str(month.first), str(month.first_before), str(month.last_before)) == (
        "2026-03-01",
        "2026-02-01",
        "2026-02-28",
    )
    assert stretch_of("nonsense", today()).days == 30


@pytest.mark.parametrize("most", [0, 1, 3, 7, 49, 50, 999, 10**9, 4_200_000_000, 9 * 10**12, 10**18])
def test_the_grid_has_few_lines_of_round_dollars(most):
    step, top = scale(most)
    assert top >= most and top % step == 0 and 1 <= top // step <= 6
    assert str(step).rstrip("0") in ("1", "2", "5")
