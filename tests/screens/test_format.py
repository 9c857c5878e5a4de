"""How numbers, times and states look."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

import aiops
from aiops.calls.models import Call
from aiops.calls.remedies import remedy
from aiops.gateway import errors
from aiops.jobs.models import Item, Job
from aiops.templatetags.aiops_format import ago, count, duration, in_one_line, marked, plain, rate, seconds

STATIC = Path(aiops.__file__).parent / "static/aiops"


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (None, "unknown"),
        (0, "0 ms"),
        (350, "350 ms"),
        (1_240, "1.2 s"),
        (9_990, "10 s"),
        (59_900, "1 min 0 s"),
        (125_000, "2 min 5 s"),
        (3_900_000, "1 h 5 min"),
    ],
)
def test_durations(milliseconds, shown):
    assert duration(milliseconds) == shown


@pytest.mark.parametrize(
    ("a_second", "shown"),
    [(None, "unknown"), (1234.4, "1,234 rows/s"), (9.2, "9 rows/s"), (1.4, "84 rows/min"), (0.5, "30 rows/min")],
)
def test_rates(a_second, shown):
    assert rate(a_second) == shown


@pytest.mark.parametrize(("value", "shown"), [(None, "unknown"), (0, "0"), (1234567, "1,234,567")])
def test_counts(value, shown):
    assert count(value) == shown


def test_seconds():
    assert [seconds(value) for value in (None, 7.4, 61)] == ["unknown", "7 s", "1 min 1 s"]


@pytest.mark.parametrize(
    ("past", "shown"),
    [
        (timedelta(seconds=-3), ">0 s ago<"),
        (timedelta(seconds=12), ">12 s ago<"),
        (timedelta(minutes=3), ">3 min ago<"),
        (timedelta(hours=5), ">5 h ago<"),
        (timedelta(days=2), ">2 d ago<"),
    ],
)
def test_times(past, shown):
    html = ago(timezone.now() - past)
    assert shown in html and "title=" in html and "datetime=" in html


def test_no_time():
    assert ago(None) == "–"


def test_answers():
    assert plain(None) == "–" and plain("a\nb") == "a\nb" and plain(True) == "true"
    assert (
        in_one_line({"category": "refund", "why": "two\nlines", "score": 0.9})
        == "category refund · why two lines · score 0.9"
    )


def test_every_state_has_a_word_a_mark_and_a_colour():
    css = (STATIC / "aiops.css").read_text()
    quiet = {"pending", "planning", "stopped"}
    for choices in (Job.Status, Item.Status, Call.Status):
        for status in choices:
            html = marked(status.value, status.label)
            assert str(status.label) in html and 'aria-hidden="true"' in html
            assert status.value in quiet or f".aiops-{status.value}" in css


def kinds(error: type[Exception]) -> set[str]:
    return {error.kind, *(kind for below in error.__subclasses__() for kind in kinds(below))}


def test_every_kind_of_error_comes_with_a_remedy():
    known = kinds(errors.GatewayError) - {"gateway"}
    assert len(known) > 10
    for kind in (*known, "schema", "lost", "prompt", "budget", "unpriced"):
        assert str(remedy(kind)), kind


def test_what_is_served_stays_small():
    assert (STATIC / "aiops.css").stat().st_size < 15_000
    for script in STATIC.glob("*.js"):
        assert script.stat().st_size < 10_000
