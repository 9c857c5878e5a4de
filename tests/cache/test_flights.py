"""The line of those who ask the same, one move at a time."""

import pytest

from aiops.cache.flights import board, leave, waiting
from tests.cache.conftest import new_answer

ANSWER = new_answer().cached


@pytest.fixture
def line():
    """Who leads, and two who wait."""
    flights = [board("a key", deadline=60) for _ in range(3)]
    yield flights
    new = board("a key", deadline=60)
    assert new.turn is None, "the line is not over"
    assert leave(new) is True


def told(flight):
    return flight.turn.result(0)


def test_the_first_leads_and_the_others_wait(line):
    leader, *others = line
    assert leader.turn is None and waiting("a key") == 2
    assert not any(flight.turn.done() for flight in others)
    for flight in (*others, leader):
        leave(flight)


def test_an_answer_is_everybodys(line):
    leader, *others = line
    leader.answer = ANSWER
    assert leave(leader) is True
    assert [told(flight) for flight in others] == [ANSWER, ANSWER]
    assert [leave(flight) for flight in others] == [False, False]


def test_without_an_answer_one_after_the_other_leads(line):
    first, second, third = line
    assert leave(first) is False
    assert told(second) is None and not third.turn.done()
    assert leave(second) is False
    assert told(third) is None
    assert leave(third) is True


def test_who_gives_up_waiting_is_passed_over(line):
    first, second, third = line
    assert leave(second) is False
    assert leave(first) is False
    assert told(third) is None
    third.answer = ANSWER
    assert leave(third) is True


def test_the_lead_is_not_lost_with_who_gave_up_just_when_it_came(line):
    first, second, third = line
    leave(first)
    assert leave(second) is False
    assert told(third) is None
    assert leave(third) is True


def test_other_questions_have_lines_of_their_own(line):
    other = board("another key", deadline=60)
    assert other.turn is None
    assert leave(other) is True
    for flight in reversed(line):
        leave(flight)
