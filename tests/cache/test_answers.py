"""What is kept is found again, as long as it may be; and no fault of the cache is a fault of the call."""

import logging
import sqlite3
import threading
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction

from aiops.cache.answers import LONGEST, OVERHEAD, keep, look_up
from aiops.cache.errors import InvalidLifetime
from aiops.cache.models import CachedAnswer
from aiops.cache.packed import FORM
from aiops.cache.uses import EVERY, MOST, flush_uses, forget_uses, note_uses
from tests.cache.conftest import DAY, NOW, completion, key, new_answer

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def found(text="What is the capital of Peru?", now=NOW):
    return look_up([key(text)], now=now).get(key(text))


def test_what_is_kept_is_found_with_what_it_saves_and_who_paid():
    new = new_answer()
    assert found() is None
    assert keep([new], ttl=DAY, now=NOW) == {new.key}
    assert found() == new.cached
    assert (found().completion, found().cost, found().call_id) == (new.completion, 412_000, new.call_id)


def test_another_question_finds_nothing():
    keep([new_answer()], ttl=DAY, now=NOW)
    assert found("What is the capital of Chile?") is None


def test_it_is_found_until_it_expires():
    keep([new_answer()], ttl=60, now=NOW)
    assert found(now=NOW + 59 * SECOND) is not None
    assert found(now=NOW + 60 * SECOND) is None


def test_a_clock_that_is_set_back_loses_nothing_and_breaks_nothing():
    before = NOW - timedelta(days=400)
    keep([new_answer()], ttl=60, now=NOW)
    assert found(now=before) is not None
    newer = new_answer()
    keep([newer], ttl=60, now=before)
    assert found(now=before).call_id == newer.call_id
    assert found(now=NOW) is None


def test_an_unknown_cost_stays_unknown():
    keep([new_answer(cost=None)], ttl=DAY, now=NOW)
    assert found().cost is None


@pytest.mark.parametrize("ttl", [0, -1, -1e9, LONGEST + 1, float("inf"), float("nan")])
def test_a_lifetime_that_makes_no_sense_is_refused_with_a_sentence(ttl):
    with pytest.raises(InvalidLifetime) as refused:
        keep([new_answer()], ttl=ttl, now=NOW)
    assert str(refused.value) == (
        f"An answer cannot be kept for {ttl} seconds: it must be above zero and at most 315360000. "
        "Not to keep any, switch the cache off."
    )
    assert not CachedAnswer.objects.exists()


@pytest.mark.parametrize(
    "said",
    [
        completion(finish_reason=""),
        completion(finish_reason="length"),
        completion(finish_reason="content_filter"),
        completion(refusal="I would rather not."),
        completion("x" * 10_000_000),
        completion(raw_usage={"n": float("nan")}),
    ],
    ids=["no end", "cut off", "filtered", "declined", "ten megabytes", "no JSON"],
)
def test_what_is_no_whole_answer_is_left_out_and_the_others_are_kept(said):
    bad, good = new_answer("one", said), new_answer("two")
    assert keep([bad, good], ttl=DAY, now=NOW) == {good.key}
    assert found("one") is None and found("two") is not None


def test_to_keep_the_same_twice_is_to_keep_it_once():
    new = new_answer()
    for _ in range(2):
        keep([new], ttl=DAY, now=NOW)
    assert CachedAnswer.objects.count() == 1
    assert found() == new.cached


def test_the_newest_answer_to_a_question_is_the_one_that_is_given():
    """Who asks past the cache keeps what came."""
    keep([new_answer(said=completion("Lima"))], ttl=60, now=NOW)
    newer = new_answer(said=completion("Lima, since 1535"))
    keep([newer, new_answer("two"), newer], ttl=DAY, now=NOW + 30 * SECOND)
    assert found(now=NOW + 90 * SECOND).completion.text == "Lima, since 1535"
    assert CachedAnswer.objects.count() == 2


@pytest.mark.parametrize("form", [FORM - 1, FORM + 1])
def test_a_row_in_another_form_is_not_read_and_makes_way_for_a_new_answer(form):
    keep([new_answer()], ttl=DAY, now=NOW)
    CachedAnswer.objects.update(form=form)
    assert found() is None
    keep([new_answer()], ttl=DAY, now=NOW)
    assert found() is not None


def test_a_row_that_cannot_be_read_is_not_found():
    keep([new_answer()], ttl=DAY, now=NOW)
    CachedAnswer.objects.update(body=b"nonsense")
    assert found() is None


def test_a_window_of_answers_is_one_query_and_one_statement(django_assert_num_queries, triage):
    texts = [f"Question {number}" for number in range(250)]
    news = [new_answer(text, prompt_version_id=triage.pk) for text in texts]
    # A savepoint around the one statement: the test itself is in a transaction.
    with django_assert_num_queries(3):
        assert len(keep(news, ttl=DAY, now=NOW)) == 250
    with django_assert_num_queries(1):
        answers = look_up([key(text) for text in texts], now=NOW)
    assert {one: answer.completion for one, answer in answers.items()} == {new.key: new.completion for new in news}
    with django_assert_num_queries(0):
        assert look_up([], now=NOW) == {}
        assert keep([], ttl=DAY, now=NOW) == set()


def test_its_size_is_what_it_takes_in_the_database():
    keep([new_answer()], ttl=DAY, now=NOW)
    row = CachedAnswer.objects.get()
    assert row.size == len(row.body) + OVERHEAD
    assert CachedAnswer.objects.bytes() == row.size


# Uses


def used():
    return dict(CachedAnswer.objects.values_list("key", "hits"))


@pytest.mark.django_db(transaction=True)
def test_uses_are_written_now_and_then_and_all_of_them(django_assert_num_queries):
    keep([new_answer("one"), new_answer("two")], ttl=DAY, now=NOW)
    one, two = key("one"), key("two")
    with django_assert_num_queries(4):
        for second in range(4):
            look_up([one], now=NOW + second * SECOND)
    assert used() == {one: 0, two: 0}
    look_up([one, two], now=NOW + EVERY)
    assert used() == {one: 5, two: 1}
    assert {row.last_used_at for row in CachedAnswer.objects.all()} == {NOW + EVERY}
    with django_assert_num_queries(1):
        look_up([one], now=NOW + 2 * EVERY)


@pytest.mark.django_db(transaction=True)
def test_uses_are_written_after_a_clock_was_set_back_too():
    keep([new_answer()], ttl=DAY, now=NOW)
    look_up([key()], now=NOW)
    look_up([key()], now=NOW - timedelta(days=1))
    assert used() == {key(): 2}


@pytest.mark.django_db(transaction=True)
def test_a_busy_process_does_not_wait_to_write_them():
    keep([new_answer()], ttl=DAY, now=NOW)
    note_uses([key(), *map(str, range(MOST - 2))], now=NOW)
    assert used() == {key(): 0}
    note_uses(["another"], now=NOW)
    assert used() == {key(): 1}


def test_within_a_transaction_nothing_is_written_that_would_stay_locked():
    keep([new_answer()], ttl=DAY, now=NOW)
    with transaction.atomic():
        look_up([key()], now=NOW)
        look_up([key()], now=NOW + 2 * EVERY)
    assert used() == {key(): 0}
    assert flush_uses(now=NOW + 3 * EVERY) == 1
    assert used() == {key(): 2}
    assert flush_uses(now=NOW + 3 * EVERY) == 0


def test_what_a_process_has_forgotten_is_not_written():
    keep([new_answer()], ttl=DAY, now=NOW)
    look_up([key()], now=NOW)
    forget_uses()
    assert flush_uses(now=NOW) == 0


# A database in trouble


@contextmanager
def locked_by_another():
    """Somebody else holds what a writer needs, and this connection does not wait long."""
    locked, over = threading.Event(), threading.Event()

    def hold():
        if connection.vendor == "sqlite":
            with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                locked.set()
                over.wait(60)
                other.execute("ROLLBACK")
            return
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE aiops_cachedanswer IN SHARE MODE")
            locked.set()
            over.wait(60)
        connection.close()

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50" if connection.vendor == "sqlite" else "SET lock_timeout = '50ms'")
    thread = threading.Thread(target=hold)
    thread.start()
    assert locked.wait(60)
    try:
        yield
    finally:
        over.set()
        thread.join()
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_locked_database_costs_the_cache_and_not_the_call(caplog):
    keep([new_answer("one")], ttl=DAY, now=NOW)
    with locked_by_another(), caplog.at_level(logging.WARNING, logger="aiops.cache"):
        assert keep([new_answer("two")], ttl=DAY, now=NOW) == set()
        assert found("one") is not None
        assert found("one", now=NOW + EVERY) is not None
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "1 answers are not kept",
        "the use of 1 answers is not noted",
    ]
    assert used() == {key("one"): 0}
    assert keep([new_answer("two")], ttl=DAY, now=NOW) == {key("two")}


@pytest.mark.django_db(transaction=True)
def test_somebodys_transaction_outlives_an_answer_that_could_not_be_kept():
    with transaction.atomic():
        keep([new_answer("one")], ttl=DAY, now=NOW)
        assert keep([new_answer("two", connection=None)], ttl=DAY, now=NOW) == set()
        keep([new_answer("three")], ttl=DAY, now=NOW)
    assert set(used()) == {key("one"), key("three")}


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a file has no connection to cut")
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_cut_is_not_left_for_whoever_comes_next(caplog, hands):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    hands.start(lambda: connection.cursor().execute("SELECT pg_terminate_backend(%s)", [pid])).result()
    assert keep([new_answer()], ttl=DAY, now=NOW) == set()
    assert "are not kept" in caplog.text
    assert keep([new_answer()], ttl=DAY, now=NOW) == {key()}
