"""Leave to make one call, from threads and from event loops."""

import asyncio
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, transaction
from django.db import connection as database

from aiops.gateway.errors import Billed
from aiops.limits.errors import TooBusy
from aiops.limits.learning import pause
from aiops.limits.limits import Limits, limits_of
from aiops.limits.models import Pace
from aiops.limits.take import JOB, PERSON, atake, take


def test_nothing_is_kept_and_no_thread_is_there_where_no_limit_is_known(limited, model):
    # Without the mark for the database, any query is an error.
    with take(limited(), model, tokens=10) as permit:
        permit.used(3)
    assert permit.waited == 0
    assert "aiops-limits" not in [thread.name for thread in threading.enumerate()]


def test_the_settings_of_a_model_go_before_those_of_its_connection(limited):
    connection = limited(
        REQUESTS_PER_MINUTE=600,
        MAX_IN_FLIGHT_OVERALL=5,
        MODEL_LIMITS={
            "dear": {"REQUESTS_PER_MINUTE": 6, "TOKENS_PER_MINUTE": 1000},
            "own": {"MAX_IN_FLIGHT_OVERALL": None},
        },
    )
    assert limits_of(connection, "cheap") == Limits(requests_per_minute=600, in_flight=5)
    assert limits_of(connection, "dear") == Limits(requests_per_minute=6, tokens_per_minute=1000, in_flight=5)
    assert limits_of(connection, "own") == Limits(requests_per_minute=600)


def test_whoever_would_wait_in_vain_is_told_at_once_and_when_to_come_back(limited, redis_url, model):
    connection = limited(REQUESTS_PER_MINUTE=1, REDIS_URL=redis_url)
    with take(connection, model, priority=JOB):
        pass
    with pytest.raises(TooBusy) as error, take(connection, model, priority=JOB, deadline=45):
        pass
    # A slot is a minute; at the deadline, 15 seconds of it would be left.
    assert 20 < error.value.retry_after <= 60
    assert (error.value.retryable, error.value.billed) == (True, Billed.NO)
    assert str(error.value).startswith(f"The limit of “{model}” on “default” is reached: there is room in ")


def test_a_person_goes_before_five_hundred_of_jobs(limited, redis_url, model):
    connection = limited(REQUESTS_PER_MINUTE=600, REDIS_URL=redis_url)
    order = []

    async def call(name, priority):
        async with atake(connection, model, priority=priority):
            order.append(name)

    async def behind():
        """How many jobs went before a person who came right after one of them."""
        before = len(order)
        while len(order) == before:
            await asyncio.sleep(0.01)
        came = len(order)
        await call("person", PERSON)
        return order.index("person", came) - came

    async def everybody():
        jobs = [asyncio.create_task(call("job", JOB)) for _ in range(500)]
        waited = [await behind() for _ in range(5)]
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        return waited

    # A machine that stands still for a moment lets several pass at once afterwards; hardly three times in five.
    assert statistics.median(asyncio.run(everybody())) <= 2


def test_threads_and_event_loops_share_one_line(limited, redis_url, model):
    connection = limited(MAX_IN_FLIGHT_OVERALL=1, REDIS_URL=redis_url)
    inside, most = 0, 0

    def count(change):
        nonlocal inside, most
        inside += change
        most = max(most, inside)

    def threaded():
        with take(connection, model):
            count(1)
            time.sleep(0.02)
            count(-1)

    async def looped():
        async with atake(connection, model):
            count(1)
            await asyncio.sleep(0.02)
            count(-1)

    async def all_of_them():
        await asyncio.gather(*(looped() for _ in range(5)))

    with ThreadPoolExecutor(5) as threads:
        calls = [threads.submit(threaded) for _ in range(5)]
        asyncio.run(all_of_them())
        for call in calls:
            call.result()
    assert most == 1


def test_whoever_goes_away_while_waiting_takes_nothing(limited, redis_url, model):
    connection = limited(MAX_IN_FLIGHT_OVERALL=1, REDIS_URL=redis_url)

    async def call():
        async with atake(connection, model):
            raise AssertionError("it was let through")

    async def go_away():
        async with atake(connection, model):
            waiting = [asyncio.create_task(call()) for _ in range(3)]
            await asyncio.sleep(0.2)
            for task in waiting:
                task.cancel()
            return await asyncio.gather(*waiting, return_exceptions=True)

    assert {type(one) for one in asyncio.run(go_away())} == {asyncio.CancelledError}
    with take(connection, model, deadline=5):
        pass


def test_a_place_is_given_back_when_the_call_fails(limited, redis_url, model):
    connection = limited(MAX_IN_FLIGHT_OVERALL=1, REDIS_URL=redis_url)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), take(connection, model, deadline=5):
            raise ZeroDivisionError


def test_a_pause_is_minded_by_this_process_even_where_it_knows_no_limit(limited, redis_url, model):
    connection = limited(REDIS_URL=redis_url)
    pause(connection, model, 30)
    with pytest.raises(TooBusy) as error, take(connection, model, deadline=5):
        pass
    assert 25 < error.value.retry_after <= 30


@pytest.mark.parametrize("seconds", [0, -3, float("nan")])
def test_a_pause_that_cannot_be_is_none(limited, transactional_db, model, seconds):
    connection = limited(REQUESTS_PER_MINUTE=600)
    pause(connection, model, seconds)
    with take(connection, model, deadline=5) as permit:
        assert permit.waited < 5


@pytest.mark.django_db
def test_a_call_inside_a_transaction_waits_for_nobody_to_commit(limited, model):
    # The test itself is the transaction: on SQLite nobody else could write.
    Pace.objects.create(connection="elsewhere", model=model)
    assert database.in_atomic_block
    connection = limited(REQUESTS_PER_MINUTE=6000, MAX_IN_FLIGHT_OVERALL=2)
    for _ in range(3):
        with transaction.atomic(), take(connection, model, deadline=10):
            pass
    with (
        take(connection, model, deadline=10),
        take(connection, model, deadline=10),
        pytest.raises(TooBusy),
        take(connection, model, deadline=0.2),
    ):
        pass


def test_what_is_wrong_with_the_tables_is_said_to_whoever_asks(limited, transactional_db, model, settings):
    connection = limited(REQUESTS_PER_MINUTE=600)
    with database.schema_editor() as editor:
        editor.alter_db_table(Pace, Pace._meta.db_table, "elsewhere")
    try:
        with pytest.raises((TooBusy, DatabaseError)) as error, take(connection, model, deadline=2):
            pass
    finally:
        with database.schema_editor() as editor:
            editor.alter_db_table(Pace, "elsewhere", Pace._meta.db_table)
    # SQLite says the same of a table that is missing and of one that is locked, for which one waits.
    why = error.value.__cause__ if isinstance(error.value, TooBusy) else error.value
    assert Pace._meta.db_table in str(why)
