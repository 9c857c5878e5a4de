"""What goes: the expired, the outdated, what has no room, and what somebody wants asked afresh."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from aiops.cache.answers import keep, look_up
from aiops.cache.leases import take
from aiops.cache.models import Asking, CachedAnswer
from aiops.cache.packed import FORM
from aiops.cache.purging import AT_ONCE, Purged, prune, purge
from aiops.cache.uses import flush_uses
from tests.cache.conftest import DAY, NOW, key, new_answer

pytestmark = pytest.mark.django_db

PLENTY = 10**9


def kept(*texts, ttl=DAY, now=NOW, **fields):
    keep([new_answer(text, **fields) for text in texts], ttl=ttl, now=now)


def left():
    return set(CachedAnswer.objects.values_list("key", flat=True))


def keys(*texts):
    return {key(text) for text in texts}


def size_of(*texts):
    return sum(CachedAnswer.objects.filter(key__in=keys(*texts)).values_list("size", flat=True))


def test_what_has_expired_goes():
    kept("old", ttl=60)
    kept("new")
    size = size_of("old")
    pruned = prune(now=NOW + timedelta(seconds=60), most_bytes=PLENTY)
    assert pruned.expired == Purged(count=1, size=size)
    assert (pruned.unused, pruned.more) == (Purged(), False)
    assert left() == keys("new")


def test_what_is_in_an_older_form_goes_and_what_is_in_a_newer_one_is_anothers():
    kept("old", "now", "new")
    CachedAnswer.objects.filter(key=key("old")).update(form=FORM - 1)
    CachedAnswer.objects.filter(key=key("new")).update(form=FORM + 1)
    assert prune(now=NOW, most_bytes=PLENTY).expired.count == 1
    assert left() == keys("now", "new")


def test_beyond_its_room_what_was_not_used_for_longest_goes():
    for hour, text in enumerate(["one", "two", "three", "four"]):
        kept(text, now=NOW + timedelta(hours=hour))
    later = NOW + timedelta(hours=5)
    look_up([key("one")], now=later)
    flush_uses(now=later)
    pruned = prune(now=later, most_bytes=size_of("one", "four"))
    assert pruned.unused.count == 2 and pruned.expired.count == 0
    assert left() == keys("one", "four")
    assert prune(now=later, most_bytes=size_of("one", "four")).unused == Purged()


def test_no_more_goes_than_there_is_no_room_for():
    kept("one", "two", "three")
    room = CachedAnswer.objects.bytes()
    assert prune(now=NOW, most_bytes=room).unused.count == 0
    assert prune(now=NOW, most_bytes=room - 1).unused.count == 1
    assert prune(now=NOW, most_bytes=0).unused.count == 2


def test_the_room_is_that_of_the_settings(settings):
    kept("one", "two")
    assert prune(now=NOW).unused.count == 0
    settings.AIOPS = {**settings.AIOPS, "CACHE_MOST_BYTES": 1}
    assert prune(now=NOW).unused.count == 2


def test_one_call_does_so_much_and_says_whether_there_is_more():
    kept(*map(str, range(4)), ttl=60)
    kept(*map(str, range(10, 14)))
    later = NOW + timedelta(seconds=60)
    done = [prune(now=later, most_bytes=0, most=5) for _ in range(3)]
    assert [(one.expired.count, one.unused.count, one.more) for one in done] == [
        (4, 1, True),
        (0, 3, False),
        (0, 0, False),
    ]


def test_it_does_not_look_at_answers_that_stay(django_assert_num_queries):
    kept(*map(str, range(50)))
    # Leases, and for each of two reasons a transaction with one look into an index; the sum of sizes.
    with django_assert_num_queries(8) as queries:
        prune(now=NOW, most_bytes=PLENTY)
    assert not [query["sql"] for query in queries if '"body"' in query["sql"]]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (lambda: CachedAnswer.objects.expired(NOW).values("pk", "size"), "aiops_cached_expiry"),
        (lambda: CachedAnswer.objects.outdated().values("pk", "size"), "aiops_cached_expiry"),
        (lambda: CachedAnswer.objects.longest_unused().values("pk", "size"), "COVERING INDEX aiops_cached_use"),
        (lambda: CachedAnswer.objects.order_by().values("size"), "COVERING INDEX aiops_cached_use"),
        (lambda: CachedAnswer.objects.with_keys(["a", "b"]).values("body"), "(key=?)"),
    ],
)
def test_each_question_has_an_index(rows, index):
    assert index in rows().explain()
    assert "TEMP B-TREE" not in rows().explain()


def test_leases_of_the_dead_go():
    take(["a"], owner=uuid4(), until=NOW, now=NOW - timedelta(hours=1))
    take(["b"], owner=uuid4(), until=NOW + timedelta(hours=1), now=NOW)
    prune(now=NOW)
    assert [asking.key for asking in Asking.objects.all()] == ["b"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a file has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_what_somebody_is_writing_to_is_left_for_the_next_time(hands):
    kept("one", "two", ttl=60)

    def hold():
        with transaction.atomic():
            CachedAnswer.objects.filter(key=key("one")).update(hits=7)
            hands.leading.set()
            hands.gate.wait(60)

    holder = hands.start(hold)
    assert hands.leading.wait(60)
    later = NOW + timedelta(seconds=60)
    assert prune(now=later).expired.count == 1
    assert left() == keys("one")
    hands.gate.set()
    holder.result(60)
    assert prune(now=later).expired.count == 1


MANY = 2 * AT_ONCE + 1


def test_however_much_has_expired_it_goes_by_and_by():
    kept(*map(str, range(MANY)), ttl=60)
    assert prune(now=NOW + timedelta(seconds=60)).expired.count == MANY
    assert left() == set()


def test_neither_bound_is_overstepped_by_the_last_part():
    kept(*map(str, range(MANY)))
    some = AT_ONCE + 1
    CachedAnswer.objects.update(size=1000)
    assert prune(now=NOW, most_bytes=(MANY - some) * 1000).unused.count == some
    assert prune(now=NOW, most_bytes=0, most=AT_ONCE - 1).unused.count == AT_ONCE - 1
    kept(*map(str, range(MANY)), ttl=60)
    assert prune(now=NOW + timedelta(seconds=60), most_bytes=PLENTY, most=some).expired.count == some


def test_a_person_takes_out_all_that_are_meant_however_many(triage):
    kept(*map(str, range(MANY)), prompt_version_id=triage.pk)
    kept("other")
    theirs = CachedAnswer.objects.filter(prompt_version=triage)
    size = theirs.bytes()
    assert purge(theirs, dry_run=True) == Purged(count=MANY, size=size)
    assert CachedAnswer.objects.count() == MANY + 1
    assert purge(theirs) == Purged(count=MANY, size=size)
    assert left() == keys("other")


def test_answers_go_with_their_version(triage):
    kept("one", prompt_version_id=triage.pk)
    kept("two")
    triage.prompt.delete()
    assert left() == keys("two")
