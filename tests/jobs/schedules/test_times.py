"""When a schedule is due, on ordinary days and on those on which the clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from aiops.jobs.schedules.errors import BadTime
from aiops.jobs.schedules.times import next_by_cron, next_by_interval, zone_named

BERLIN = ZoneInfo("Europe/Berlin")


def times(expression, after, n, zone=BERLIN):
    found = []
    for _ in range(n):
        after = next_by_cron(expression, zone, after)
        found.append(after.astimezone(zone).strftime("%m-%d %H:%M %Z"))
    return found


def berlin(*parts, fold=0):
    return datetime(*parts, tzinfo=BERLIN, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("30 2 * * *", berlin(2026, 1, 1), ["01-01 02:30 CET", "01-02 02:30 CET"]),
        ("0 6 * * 1-5", berlin(2026, 1, 2, 7), ["01-05 06:00 CET", "01-06 06:00 CET"]),
        ("0 0 L * *", berlin(2026, 2, 1), ["02-28 00:00 CET", "03-31 00:00 CEST"]),
        # In spring 2:00 to 3:00 does not exist: once, at once after it.
        ("30 2 * * *", berlin(2026, 3, 28, 12), ["03-29 03:00 CEST", "03-30 02:30 CEST"]),
        ("*/30 * * * *", berlin(2026, 3, 29, 1, 30), ["03-29 03:00 CEST", "03-29 03:30 CEST"]),
        # In autumn it comes twice: once all the same.
        ("30 2 * * *", berlin(2026, 10, 24, 12), ["10-25 02:30 CEST", "10-26 02:30 CET"]),
        ("30 2 * * *", berlin(2026, 10, 25, 2, 30), ["10-26 02:30 CET"]),
        # And whoever asks between the two gets neither of them once more.
        ("30 2 * * *", berlin(2026, 10, 25, 2, 10, fold=1), ["10-26 02:30 CET"]),
        # What runs by the hour runs each real hour.
        ("0 * * * *", berlin(2026, 10, 25, 1, 30), ["10-25 02:00 CEST", "10-25 02:00 CET", "10-25 03:00 CET"]),
    ],
)
def test_the_next_times_of_a_cron_expression(expression, after, expected):
    assert times(expression, after, len(expected)) == expected


@pytest.mark.parametrize("day", [berlin(2026, 3, 29), berlin(2026, 10, 25)])
def test_whenever_it_is_asked_the_next_time_is_later(day):
    """Every five minutes of the two nights, by expressions that meet the hours in question."""
    for expression in ("30 2 * * *", "0 3 * * *", "*/20 2 * * *", "0 * * * *", "15 2,3 * * *"):
        for minutes in range(0, 6 * 60, 5):
            asked = day + timedelta(minutes=minutes)
            assert next_by_cron(expression, BERLIN, asked) > asked


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "is no cron expression"),
        ("every day", "is no cron expression"),
        ("* * * *", "is no cron expression"),
        ("0 * * * * *", "is no cron expression"),
        ("61 * * * *", "Bad minute"),
        ("0 25 * * *", "Bad hour"),
        ("0 0 * * */0", "Bad day-of-week"),
        ("0 0 31 2 *", "Bad day-of-month"),
        (f"{'9' * 5000} * * * *", "is no cron expression"),
        ("0 0 * 2 mon#6", "Bad day-of-week"),
        ("@daily", "is no cron expression"),
        ("\x00 * * * *", "Bad minute"),
    ],
)
def test_what_is_no_cron_expression_is_a_sentence(expression, why):
    with pytest.raises(BadTime, match=why) as refused:
        next_by_cron(expression, BERLIN, berlin(2026, 1, 1))
    assert refused.value.field == "cron"


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "Europe", "/etc/passwd", "\x00", "Europe/Berlin "])
def test_what_is_no_time_zone_is_a_sentence(name):
    with pytest.raises(BadTime, match="There is no time zone"):
        zone_named(name)


def test_an_interval_keeps_its_beat_whatever_was_missed():
    start, every = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=90)
    assert next_by_interval(every, None, start) == start + every
    assert next_by_interval(every, start, start) == start + every
    assert next_by_interval(every, start, start + timedelta(minutes=100)) == start + 2 * every
    assert next_by_interval(every, start, start + timedelta(days=30)) == start + timedelta(days=30) + every


def test_an_interval_is_not_late_by_as_much_as_a_clock_was_set_back():
    start, every = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)
    a_year_on = start + timedelta(days=365)
    assert start < next_by_interval(every, a_year_on, start) <= start + every
