"""What is found wrong, and what is not: through real rows, as workers, calls and budgets leave them behind."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from aiops.calls.identity import first_id_at
from aiops.calls.models import Call
from aiops.health.examine import examine
from aiops.health.mailbox import ask_for_beat
from aiops.health.signs import Level
from aiops.jobs.models import Heartbeat, Item, Job
from aiops.jobs.schedule import NAME, keep_schedule
from aiops.jobs.schedules.model import JobSchedule
from aiops.jobs.tasks import say_alive, sweep
from aiops.ledger.models import Budget, BudgetPeriod
from aiops.stops.switch import stop_all
from tests.screens.rows import build_call, make_job, make_version

pytestmark = pytest.mark.django_db

COUNTER = count()


def before(**passed):
    return timezone.now() - timedelta(**passed)


def signs():
    return {sign.what: sign for sign in examine(timezone.now()).signs}


def levels():
    """What is not well."""
    return {sign.what: str(sign.level) for sign in signs().values() if sign.level is not Level.OK}


@pytest.fixture
def version(db):
    return make_version()


@pytest.fixture
def well(db, settings, monkeypatch):
    """A site in order; of the library of SQLite here nothing is known."""
    settings.AIOPS = settings.AIOPS | {"CONNECTIONS": {"default": settings.AIOPS["CONNECTIONS"]["default"]}}
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 99, 0))
    Schedule.objects.all().delete()
    keep_schedule()
    say_alive()


def test_a_site_in_order_has_nothing_to_say(well):
    found = examine(timezone.now())
    assert (found.level, found.sentence()) == (Level.OK, "All is well.")
    assert [sign for sign in found.signs if sign.remedy] == []
    assert {"workers", "queue", "sweeper", "jobs", "leases", "calls", "held", "database"} <= set(signs())


def test_nobody_has_ever_worked_here(well):
    Heartbeat.objects.all().delete()
    found = signs()["workers"]
    assert (found.level, found.said, found.remedy) == (
        Level.BAD,
        "No worker has been heard of.",
        "Start them: manage.py work",
    )


def test_workers_that_have_gone_silent(well):
    Heartbeat.objects.update(beat_at=before(minutes=5))
    assert signs()["workers"].said == "No worker has been heard of for 5 min 0 s."
    assert levels() == {"workers": "bad"}


def test_a_sweep_is_a_sign_of_life(well):
    Heartbeat.objects.update(beat_at=before(minutes=5))
    sweep()
    assert levels() == {}
    Heartbeat.objects.create(cluster="old", host="h", pid=1, first_at=before(days=2), beat_at=before(hours=25))
    sweep()
    assert not Heartbeat.objects.filter(cluster="old").exists()


def test_a_watched_cluster_is_missed_beside_others_and_one_that_is_not_watched_is_not(well):
    silent = {"host": "h", "pid": 1, "first_at": before(hours=2), "beat_at": before(minutes=10)}
    Heartbeat.objects.create(cluster="unwatched:1", **silent)
    assert levels() == {}
    watched = Heartbeat.objects.create(cluster="watched:1", watched=True, **silent)
    assert levels() == {"workers": "warn"}
    assert "watched:1" in signs()["workers"].said
    assert "unwatched:1" not in signs()["workers"].said
    Heartbeat.objects.end(watched.cluster, timezone.now())
    assert levels() == {}, "it has ended as it was asked to"


def test_a_clock_that_is_ahead(well):
    Heartbeat.objects.update(beat_at=timezone.now() + timedelta(hours=1))
    assert levels() == {"workers": "bad"}
    assert "clock" in signs()["workers"].said


@pytest.mark.parametrize(("minutes", "level"), [(1, None), (11, "warn"), (61, "bad")])
def test_a_queue_that_does_not_move(well, minutes, level):
    for _ in range(3):
        async_task("aiops.jobs.tasks.work", 1)
    OrmQ.objects.update(lock=before(minutes=minutes))
    assert levels() == ({"queue": level} if level else {})
    assert signs()["queue"].facts["waiting"] == 3
    assert signs()["queue"].said.startswith("3 messages wait, the oldest for ")


def test_messages_under_way_and_letters_of_clusters_do_not_wait(well):
    async_task("aiops.jobs.tasks.work", 1)
    OrmQ.objects.update(lock=timezone.now() + timedelta(minutes=5))
    ask_for_beat("somebody")
    assert signs()["queue"].said == "No message waits."


def test_a_sweeper_that_is_late_or_gone(well):
    Schedule.objects.filter(name=NAME).update(next_run=before(minutes=4))
    assert levels() == {"sweeper": "bad"}
    Schedule.objects.all().delete()
    assert signs()["sweeper"].remedy == "Make it anew: manage.py migrate"


def test_jobs_that_nobody_is_at(well, version):
    at_work = {"worker": "0" * 32, "worker_until": timezone.now() + timedelta(seconds=30)}
    make_job(version, pending=1, **at_work)
    make_job(version, pending=1, rung_at=timezone.now())
    assert levels() == {}
    left = make_job(version, pending=1, **at_work | {"worker_until": before(minutes=4)})
    unheard = make_job(version, pending=1, rung_at=before(minutes=9))
    make_job(version, status=Job.Status.STOPPED, pending=1, rung_at=before(minutes=9))
    assert levels() == {"jobs_alone": "bad"}
    assert signs()["jobs_alone"].facts["jobs"] == [left.pk, unheard.pk]


def test_jobs_whose_rows_nobody_reads_on_or_that_wait_for_somebody(well, version):
    planned = make_job(version, status=Job.Status.PLANNING, rung_at=timezone.now())
    at_work = {"worker": uuid4(), "worker_until": timezone.now() + timedelta(seconds=30)}
    make_job(version, status=Job.Status.PLANNING, **at_work)
    Job.objects.update(created_at=before(minutes=40))
    assert levels() == {}
    Job.objects.filter(pk=planned.pk).update(rung_at=before(minutes=9))
    poor = make_job(version, status=Job.Status.PAUSED, waits_for=5)
    make_job(version, status=Job.Status.PAUSED)
    assert levels() == {"jobs_planning": "bad", "jobs_without_money": "warn"}
    assert signs()["jobs_planning"].said == f"Rows of job {planned.pk} are still to be read, and nobody is at it."
    assert signs()["jobs_without_money"].said == f"Job {poor.pk} waits for money."
    assert signs()["jobs_paused"].level is Level.OK


def test_a_schedule_that_nobody_starts(well, version):
    late = {"prompt": version.prompt, "row_model": "helpdesk.Ticket", "cron": "0 2 * * *"}
    JobSchedule.objects.create(name="In time", next_at=before(minutes=9), **late)
    JobSchedule.objects.create(name="Off", next_at=before(hours=9), active=False, **late)
    JobSchedule.objects.create(name="Just being started", next_at=before(hours=9), taken_at=before(minutes=1), **late)
    assert "schedules" not in signs()
    JobSchedule.objects.create(name="Nightly", next_at=before(hours=2), **late)
    found = signs()["schedules"]
    assert found.level is Level.BAD
    assert found.said.startswith("The schedule “Nightly” should have run 2 h")


def test_rows_that_a_dead_worker_had(well, version):
    job = make_job(version, claimed=3, rung_at=timezone.now())
    Item.objects.update(lease_until=timezone.now() + timedelta(minutes=1))
    assert levels() == {}
    Item.objects.update(lease_until=before(minutes=4))
    assert signs()["leases"].said == "3 rows were left behind by their workers."
    job.stop(now=timezone.now())
    assert levels() == {}, "nobody is to take up a job that was stopped"


def ended(version, kind="", **fields):
    status = "failed" if kind else "succeeded"
    # One after the other, whatever the clock says.
    moment = timezone.now() + timedelta(milliseconds=Call.objects.count() + next(COUNTER))
    return build_call(version, status=status, error_kind=kind, **{"id": first_id_at(moment), **fields})


def test_a_connection_whose_latest_calls_failed_by_its_own_fault(well, version):
    kinds = ("", "", "bad_key", "bad_key")
    Call.objects.bulk_create([ended(version, kind) for kind in kinds])
    assert levels() == {}, "twice may be chance"
    Call.objects.bulk_create([ended(version, "bad_key")])
    assert levels() == {"connection:default": "bad"}
    found = signs()["connection:default"]
    assert "the last 3 calls failed, the latest for “bad_key”" in found.said
    assert found.remedy.endswith("Ask it: manage.py check_connections default")
    Call.objects.bulk_create([ended(version)])
    assert levels() == {}


def test_rows_that_a_model_cannot_answer_are_no_fault_of_the_connection(well, version):
    Call.objects.bulk_create([ended(version, "schema") for _ in range(20)])
    assert levels() == {}


def test_what_failed_long_ago_says_nothing_about_now(well, version):
    Call.objects.bulk_create([ended(version, "unreachable", started_at=before(hours=2)) for _ in range(5)])
    assert levels() == {}


def test_connections_that_the_settings_do_not_describe(well, settings):
    settings.AIOPS = settings.AIOPS | {"CONNECTIONS": {"default": {"API_KEY": ""}, "spare": {"COLOUR": "red"}}}
    assert levels() == {"connections": "bad", "connection:default": "warn"}


def test_calls_are_stopped(well):
    stop_all(None, "A drill")
    assert levels() == {"switch": "warn"}
    assert "A drill" in signs()["switch"].said


def test_a_call_that_never_ended(well, version):
    Call.objects.bulk_create([build_call(version, status="sending", started_at=before(seconds=9))])
    assert signs()["calls"].said == "1 call is under way, the oldest for 9 s."
    assert levels() == {}
    Call.objects.update(started_at=before(minutes=20))
    assert levels() == {"calls": "bad"}


def period(**fields):
    budget = Budget.objects.create(name=f"B{Budget.objects.count()}", cap=10**9)
    return BudgetPeriod.objects.create(budget=budget, starts_at=before(days=1), cap=10**9, **fields)


def test_money_that_is_held_for_nothing(well, version):
    period(held=5_000_000)
    assert signs()["held"].said == "$0.0050 is set aside, and no call is under way."
    assert levels() == {"held": "warn"}
    Call.objects.bulk_create([build_call(version, status="sending")])
    assert signs()["held"].said == "$0.0050 is set aside for calls under way."
    assert levels() == {}


def test_a_frozen_budget_until_its_period_is_over(well):
    period(frozen=True, ends_at=before(hours=1))
    assert levels() == {}
    period(frozen=True, ends_at=timezone.now() + timedelta(hours=1))
    assert levels() == {"frozen": "warn"}
    assert "“B" in signs()["frozen"].said


@pytest.mark.sqlite
def test_a_sqlite_that_can_corrupt_its_database(well, monkeypatch):
    for version, level in (((3, 51, 2), {"database": "warn"}), ((3, 51, 3), {})):
        monkeypatch.setattr("sqlite3.sqlite_version_info", version)
        assert levels() == level
    assert signs()["database"].facts["journal_mode"] == "wal"


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a file has no connections to run out of")
def test_facts_of_postgresql(well):
    facts = signs()["database"].facts
    assert 0 < facts["connections"] < facts["max_connections"]


@pytest.mark.redis
def test_redis_answers(well, settings):
    from tests.conftest import REDIS_URL

    settings.AIOPS = settings.AIOPS | {"REDIS_URL": REDIS_URL}
    assert signs()["redis"].level is Level.OK


def test_a_redis_that_is_away_is_to_be_known_and_its_password_is_not(well, settings):
    settings.AIOPS = settings.AIOPS | {"REDIS_URL": "redis://user:s3cret@127.0.0.1:9/0"}
    assert levels() == {"redis": "warn"}
    assert "s3cret" not in signs()["redis"].said + signs()["redis"].remedy


MOST_QUERIES = 15


def test_it_asks_no_more_however_much_there_is(well, version):
    def asked():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            examine(timezone.now())
        return len(queries)

    # Each of them once, so that nothing is left out for want of rows.
    job = make_job(version, claimed=1, succeeded=1, failed=1)
    Call.objects.bulk_create([build_call(version, status="sending")])
    period(held=1, frozen=True)
    async_task("aiops.jobs.tasks.work", job.pk)
    few = asked()
    assert few <= MOST_QUERIES
    for _ in range(30):
        make_job(version, claimed=2, succeeded=2, failed=2)
        period(held=1, frozen=True)
        async_task("aiops.jobs.tasks.work", job.pk)
    Call.objects.bulk_create([build_call(version, status="sending") for _ in range(50)])
    Heartbeat.objects.bulk_create(
        Heartbeat(cluster=f"c{n}", host="h", pid=n, first_at=before(hours=1), beat_at=before(minutes=n))
        for n in range(20)
    )
    assert asked() == few
