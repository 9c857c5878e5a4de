"""Several processes, one limit: it is held, it is used up, and each gets its share."""

import time
from bisect import bisect_left

import pytest

from aiops.limits.learning import pause
from aiops.limits.take import JOB, TooBusy, take
from tests.hammers import Hammers

SECONDS = 4


@pytest.fixture
def hammers(database_url, redis_url, model):
    def hammers(count, options, **plan):
        plan |= {"redis_url": redis_url, "model": model, "options": options}
        return Hammers(count, "tests.limits.hammer", database_url=database_url, **plan)

    return hammers


def sorted_of(said, name):
    return sorted(moment for one in said for moment in one[name])


def most_within(moments, seconds):
    return max(bisect_left(moments, first + seconds) - place for place, first in enumerate(moments))


def usually_passed_by(granted, waits):
    """How many were let through while a person waited; the middle one, since a process may stand still for a moment."""
    passed = [bisect_left(granted, moment) - bisect_left(granted, moment - waited) for moment, waited in waits]
    return sorted(passed)[len(passed) // 2]


def test_four_processes_keep_to_one_limit_and_use_it_up(hammers):
    said = hammers(4, {"REQUESTS_PER_MINUTE": 1200}, callers=20, seconds=SECONDS).end()
    granted = sorted_of(said, "granted")
    elapsed = granted[-1] - granted[0]
    # The leeway is a quarter of a second: five more, and the first one; and one for how exactly each moment is told.
    assert len(granted) <= elapsed * 20 + 7
    assert len(granted) >= SECONDS * 20 * 0.9
    assert min(len(one["granted"]) for one in said) >= len(granted) / 4 / 2, "a process is starved"


def test_a_person_waits_two_slots_at_most_behind_the_jobs_of_all_processes(hammers):
    said = hammers(2, {"REQUESTS_PER_MINUTE": 600}, callers=250, seconds=SECONDS, person_every=0.5).end()
    waits = sorted_of(said, "waits")
    assert len(waits) >= 4
    assert usually_passed_by(sorted_of(said, "granted"), waits) <= 2


def test_tokens_are_counted_as_they_were_used_and_not_as_they_were_feared(hammers):
    # A thousand tokens a second: without the correction two calls a second.
    options = {"TOKENS_PER_MINUTE": 60_000}
    said = hammers(2, options, callers=20, seconds=SECONDS, tokens=500, used=50, held=0.01).end()
    granted = sorted_of(said, "granted")
    elapsed = granted[-1] - granted[0]
    assert len(granted) * 50 <= (elapsed + 1.5) * 1000 + 500
    assert len(granted) >= SECONDS * 20 * 0.7


def test_no_more_are_in_flight_than_may_be_over_all_processes(hammers):
    said = hammers(3, {"MAX_IN_FLIGHT_OVERALL": 4}, callers=5, seconds=2, held=0.05).end()
    changes = [(moment, 1) for moment in sorted_of(said, "granted")]
    changes += [(moment, -1) for moment in sorted_of(said, "released")]
    changes.sort()
    in_flight = most = 0
    for _, change in changes:
        in_flight += change
        most = max(most, in_flight)
    assert most == 4
    assert min(len(one["granted"]) for one in said) >= len(changes) / 2 / 9, "a process is starved"


def test_a_person_goes_before_the_jobs_of_others_where_places_are_few(hammers, limited, redis_url, model):
    options = {"MAX_IN_FLIGHT_OVERALL": 2}
    others = hammers(2, options, callers=50, seconds=SECONDS, held=0.2)
    connection = limited(REDIS_URL=redis_url, **options)
    waits = []
    for _ in range(5):
        with take(connection, model) as permit:
            waits.append((time.time(), permit.waited))
    # A hundred of jobs wait for a place.
    assert usually_passed_by(sorted_of(others.end(), "granted"), waits) <= 4


def test_a_process_that_is_killed_gives_its_places_back(hammers, limited, redis_url, model):
    options = {"MAX_IN_FLIGHT_OVERALL": 2}
    others = hammers(1, options, callers=2, seconds=60, held=60)
    connection = limited(REDIS_URL=redis_url, **options)
    time.sleep(0.5)
    with pytest.raises(TooBusy), take(connection, model, deadline=0.2):
        pass
    others.processes[0].kill()
    with take(connection, model, priority=JOB, deadline=30):
        pass
    others.end()


def test_a_pause_that_one_process_was_asked_for_holds_for_all(hammers, limited, redis_url, model):
    options = {"REQUESTS_PER_MINUTE": 6000}
    connection = limited(REDIS_URL=redis_url, **options)
    others = hammers(2, options, callers=5, seconds=SECONDS)
    time.sleep(1)
    pause(connection, model, 2)
    asked = time.time()
    granted = sorted_of(others.end(), "granted")
    assert [moment for moment in granted if asked + 0.5 < moment < asked + 1.9] == []
    assert [moment for moment in granted if moment > asked + 1.9]
