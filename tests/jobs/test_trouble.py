"""What several hands, or a database that is away, can do to a job: nothing is lost, nothing is paid twice."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from aiops.calls.models import Call
from aiops.durable import durable
from aiops.execution.ask import Ended
from aiops.execution.prepare import About, make_plan, prepare
from aiops.execution.window import hold_again, open_window
from aiops.gateway.completion import Completion
from aiops.gateway.testing import Answer
from aiops.gateway.usage import Usage
from aiops.jobs import worker as workers
from aiops.jobs.claim import claim, pick
from aiops.jobs.control import resume, retry_failed
from aiops.jobs.errors import WrongState
from aiops.jobs.models import Item, Job
from aiops.jobs.settle import flush, settle_lost
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.ledger.holds import Ending
from aiops.ledger.models import BudgetPeriod, Hold

pytestmark = [pytest.mark.usefixtures("budget"), pytest.mark.django_db(transaction=True)]

GOOD = {"category": "payment", "priority": "high"}


@pytest.fixture
def job(triage, tickets, provider):
    """A job over all tickets, not yet worked at."""
    return start_job(triage, model_source("helpdesk.Ticket"))


def by_another(function):
    """Run in a thread with a database connection of its own, as another process would."""

    def run():
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(60)


@pytest.fixture
def away():
    """Take the database away from the worker, which is this thread, for some seconds."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 50")
    else:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [pid] = cursor.fetchone()
    locks = []

    def take(seconds):
        def hold():
            with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                locked.set()
                time.sleep(seconds)
                other.execute("ROLLBACK")

        if connection.vendor != "sqlite":
            by_another(lambda: connection.cursor().execute("SELECT pg_terminate_backend(%s)", [pid]))
            return
        locked = threading.Event()
        locks.append(threading.Thread(target=hold))
        locks[-1].start()
        locked.wait(5)

    yield take
    for lock in locks:
        lock.join()


def test_a_database_that_is_away_for_a_moment_costs_no_answer(job, provider, away):
    seen = []

    def is_tenth(request):
        seen.append(request)
        if len(seen) == 10:
            away(1.5)
        return False

    provider.when(is_tenth, Answer(data=GOOD))
    assert work(job.pk) == 20
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED
    assert len(provider.requests) == Call.objects.filter(status=Call.Status.SUCCEEDED).count() == 20
    assert BudgetPeriod.objects.get().held == 0


def test_a_database_that_is_away_when_a_slice_begins_or_ends_is_waited_for(job, provider, away):
    away(1)
    assert work(job.pk) == 20
    job.refresh_from_db()
    assert (job.status, job.worker) == (Job.Status.FINISHED, None)


def test_a_last_answer_while_the_database_is_away_ends_the_job_all_the_same(job, provider, away):
    seen = []

    def is_last(request):
        seen.append(request)
        if len(seen) == 20:
            away(1.5)
        return False

    provider.when(is_last, Answer(data=GOOD))
    assert work(job.pk) == 20
    job.refresh_from_db()
    assert (job.status, job.worker) == (Job.Status.FINISHED, None)


def test_money_that_was_held_again_but_not_said_to_be_is_not_held_twice(triage, provider):
    now = timezone.now()
    one = prepare(make_plan(triage, now=now), {"text": "x"}, About())
    with durable():
        open_window([one], now=now)
    spent = Ending(call_id=one.call_id, attempt=1, cost=None)
    for _ in range(2):
        with durable():
            assert hold_again(one, spent, attempt=2, now=now) is None
    assert sorted(Hold.objects.values_list("attempt", "state")) == [(1, "settled"), (2, "held")]
    assert BudgetPeriod.objects.get().held == one.ceiling


def test_a_database_that_stays_away_ends_the_slice(job, provider, monkeypatch):
    monkeypatch.setattr(workers, "PATIENCE", 0.5)

    def drop(request):
        by_another(lambda: connection.cursor().execute("ALTER TABLE aiops_hold RENAME TO aiops_hold_away"))
        return True

    provider.when(drop, Answer(data=GOOD), times=1)
    try:
        with pytest.raises(DatabaseError):
            work(job.pk)
    finally:
        connection.cursor().execute("ALTER TABLE aiops_hold_away RENAME TO aiops_hold")
    job.refresh_from_db()
    assert (job.status, job.worker) == (Job.Status.RUNNING, None)


def test_whoever_started_a_job_may_be_deleted_while_it_runs(triage, tickets, provider, settings):
    few = {**settings.AIOPS["CONNECTIONS"]["default"], "MAX_IN_FLIGHT": 4}
    settings.AIOPS = {"CONNECTIONS": {"default": few}}
    ada = get_user_model().objects.create(username="ada")
    job = start_job(triage, model_source("helpdesk.Ticket"), user=ada)

    def delete(request):
        by_another(lambda: get_user_model().objects.filter(pk=ada.pk).delete())
        return False

    provider.when(delete, Answer(data=GOOD), times=1)
    assert work(job.pk) == 20
    job.refresh_from_db()
    assert (job.status, job.user) == (Job.Status.FINISHED, None)


def test_a_retry_while_the_job_finishes_leaves_no_row_behind(job):
    failed = job.items.order_by("position").first()
    job.items.exclude(pk=failed.pk).update(status=Item.Status.SUCCEEDED)
    Item.objects.filter(pk=failed.pk).update(status=Item.Status.FAILED)
    retried = threading.Event()

    def retry():
        with transaction.atomic():
            Job.objects.get(pk=job.pk).retry_failed()
            retried.set()
            time.sleep(0.5)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: (retry(), connection.close()))
        retried.wait(10)
        finished = job.finish(now=timezone.now())
        running.result(10)
    job.refresh_from_db()
    assert (finished, job.status, job.items.pending().count()) == (False, Job.Status.RUNNING, 1)


def test_a_retry_pressed_on_a_page_from_before_the_job_finished_is_heard(job):
    seen = Job.objects.get(pk=job.pk)
    job.items.update(status=Item.Status.SUCCEEDED)
    Item.objects.filter(job=job, position=1).update(status=Item.Status.FAILED)
    assert job.finish(now=timezone.now())
    assert retry_failed(seen).sentence() == "1 failed row is tried again."
    assert work(job.pk) == 1
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED


def test_a_retry_where_nothing_has_failed_says_so(job):
    job.items.update(status=Item.Status.SUCCEEDED)
    job.finish(now=timezone.now())
    assert retry_failed(job).sentence() == "No row has failed: there is nothing to try again."


@pytest.mark.parametrize("end", ["stop", "pause"])
def test_retry_in_a_stopped_job_sends_nothing_until_it_is_resumed(job, provider, end):
    Item.objects.filter(job=job, position=1).update(status=Item.Status.FAILED)
    job.stop(now=timezone.now()) if end == "stop" else job.pause("the moon is full")
    assert retry_failed(job).sentence() == "1 failed row is tried again once the job is resumed."
    assert work(job.pk) == 0
    assert provider.requests == []
    resume(job)
    assert work(job.pk) == 20


def test_a_job_that_is_being_planned_is_not_retried(triage):
    job = Job.objects.create(
        version=triage, source={}, source_text="x", connection="default", model="m", created_at=timezone.now()
    )
    with pytest.raises(WrongState, match=r"^The job is still being planned\.$"):
        retry_failed(job)


def test_a_lease_lasts_as_long_as_a_call_may_wait_for_a_slot_and_then_fly(job, provider, settings):
    default = {**settings.AIOPS["CONNECTIONS"]["default"], "DEADLINE": 40}
    settings.AIOPS = {"SLICE_SECONDS": 300, "CONNECTIONS": {"default": default}}
    leases = []

    def look(request):
        claimed = Item.objects.filter(status=Item.Status.CLAIMED).values_list("lease_until", flat=True)
        by_another(lambda: leases.extend(claimed))
        return False

    provider.when(look, Answer(data=GOOD), times=1)
    begun = timezone.now()
    work(job.pk)
    assert min(leases) - begun >= timedelta(seconds=340)


def answered(prepared, text, usage):
    """A call that has come back."""
    return Ended(
        prepared=prepared,
        completion=Completion(text=text, model="gpt-6-luna", finish_reason="stop", usage=usage),
        error=None,
        failures=(),
        attempts=1,
        held_attempt=1,
        ended_at=timezone.now(),
        started=time.monotonic(),
    )


def test_an_item_whose_call_was_given_up_for_lost_is_asked_again(job, triage):
    """A worker stood still for so long that nobody believed in its answers any more, and nobody had taken its items."""
    now, owner = timezone.now(), uuid4()
    [item] = pick(job, limit=1, now=now)
    one = prepare(make_plan(triage, now=now), item.variables, About(job_id=job.pk, item_id=item.pk))
    with durable():
        claim([item], owner=owner, until=now - timedelta(seconds=1), now=now)
        open_window([one], now=now)
        settle_lost(Call.objects.all(), now=now)
    flush(job, [answered(one, '{"category": "card", "priority": "low"}', Usage(input_tokens=70))], owner=owner)
    item.refresh_from_db()
    assert item.status == Item.Status.CLAIMED
    work(job.pk)
    item.refresh_from_db()
    assert item.status == Item.Status.SUCCEEDED
    assert Call.objects.get(pk=item.call_id).status == Call.Status.SUCCEEDED
    assert Call.objects.get(pk=one.call_id).status == Call.Status.UNKNOWN


def test_what_is_written_twice_is_counted_once(job, triage):
    now, owner = timezone.now(), uuid4()
    items = pick(job, limit=1, now=now)
    one = prepare(make_plan(triage, now=now), items[0].variables, About(job_id=job.pk, item_id=items[0].pk))
    with durable():
        claim(items, owner=owner, until=now + timedelta(minutes=3), now=now)
        open_window([one], now=now)
    ended = answered(one, '{"category": "card", "priority": "low"}', Usage(input_tokens=70, output_tokens=9))
    for _ in range(2):
        flush(job, [ended], owner=owner)
    job.refresh_from_db()
    assert (job.tokens_in, job.tokens_out) == (70, 9)
    period = BudgetPeriod.objects.get()
    assert (period.held, period.settled) == (0, job.cost)


def test_workers_that_take_over_from_one_another_do_not_wait_in_a_circle(job, triage, provider):
    """A worker that was stalled writes its answers while the next claims: each locks the job first."""
    now, owner = timezone.now(), uuid4()
    items = pick(job, limit=10, now=now)
    plan = make_plan(triage, now=now)
    window = [prepare(plan, item.variables, About(job_id=job.pk, item_id=item.pk)) for item in items]
    with durable():
        claim(items, owner=owner, until=now - timedelta(seconds=1), now=now)
        open_window(window, now=now)
    late = [answered(one, "{}", Usage(input_tokens=1)) for one in window]

    def write():
        try:
            for one in late:
                flush(job, [one], owner=owner)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        work(job.pk)
        writing.result(60)
    assert not Call.objects.open().exists()
    assert BudgetPeriod.objects.get().held == 0
