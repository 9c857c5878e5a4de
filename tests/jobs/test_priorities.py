"""More jobs than workers: the more urgent ones go first, and those that run make room for them."""

from datetime import timedelta
from threading import Thread
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from aiops.gateway.testing import Answer
from aiops.jobs import giving_way
from aiops.jobs.control import set_priority
from aiops.jobs.errors import JobRefused, WrongState
from aiops.jobs.from_code import start_job as start_from_code
from aiops.jobs.giving_way import UNHEARD, GivingWay, is_to_give_way, work_instead_of
from aiops.jobs.models import Job, Priority
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import sweep, work
from project.helpdesk.models import Ticket

pytestmark = pytest.mark.usefixtures("budget", "tickets", "provider")


@pytest.fixture
def started(triage):
    def start(priority=Priority.NORMAL):
        return start_job(triage, model_source("helpdesk.Ticket"), priority=priority)

    return start


def heard(job):
    """A worker hears the last message that was sent for a job."""
    job.refresh_from_db()
    return work(job.pk, job.rung_at.isoformat())


def waits_for(job, **since):
    Job.objects.filter(pk=job.pk).update(rung_at=timezone.now() - timedelta(**since))


def at_work(*jobs):
    for job in jobs:
        until = timezone.now() + timedelta(minutes=1)
        Job.objects.filter(pk=job.pk).update(worker=uuid4(), worker_until=until, rung_at=None)


def status(job):
    job.refresh_from_db()
    return job.status


def test_a_worker_goes_to_the_most_urgent_job_that_waits_whichever_it_is_woken_for(started):
    low, high, normal = started(Priority.LOW), started(Priority.HIGH), started()
    assert heard(low) == 20
    assert (status(low), status(normal), status(high)) == ("running", "running", "finished")
    assert heard(low) == 20
    assert (status(low), status(normal)) == ("running", "finished")
    assert heard(low) == 20
    assert status(low) == "finished"


def test_it_reads_the_rows_of_an_urgent_one_first_as_well(started, settings):
    settings.AIOPS = settings.AIOPS | {"PLANNED_AT_ONCE": 10}
    low, high = started(Priority.LOW), started(Priority.HIGH)
    assert (status(low), status(high)) == ("planning", "planning")
    assert heard(low) == 0
    assert (status(low), status(high)) == ("planning", "running")


def test_no_message_is_lost_or_made_many_by_that(started):
    low, high = started(Priority.LOW), started(Priority.HIGH)
    message_of_high = Job.objects.get(pk=high.pk).rung_at.isoformat()
    message_of_low = Job.objects.get(pk=low.pk).rung_at.isoformat()
    OrmQ.objects.all().delete()
    work(low.pk, message_of_low)
    assert OrmQ.objects.count() == 1, "the one that it was woken for is rung for again"
    assert work(high.pk, message_of_high) == 0
    assert work(low.pk, message_of_low) == 0
    assert OrmQ.objects.count() == 1
    assert heard(low) == 20
    assert OrmQ.objects.count() == 1


def test_equally_urgent_jobs_have_their_turns_as_they_are_rung_for(started):
    first, second = started(), started()
    assert heard(second) == 20
    assert (status(first), status(second)) == ("running", "finished")


@pytest.mark.parametrize("why", ["at work", "paused", "nothing to do"])
def test_a_more_urgent_job_that_does_not_wait_is_left_alone(started, why):
    normal, high = started(), started(Priority.HIGH)
    if why == "at work":
        at_work(high)
    elif why == "paused":
        high.pause("x")
    else:
        Job.objects.filter(pk=high.pk).update(rung_at=None)
    assert heard(normal) == 20
    assert status(normal) == "finished" and high.items.pending().count() == 20


def test_an_urgent_job_that_ends_its_workers_does_not_keep_the_others_from_their_turn(started, monkeypatch):
    normal, high = started(), started(Priority.HIGH)
    from aiops.jobs import tasks

    work_slice = tasks.work_slice

    def broken(job, **how):
        if job.pk == high.pk:
            raise RuntimeError("a fault of ours")
        return work_slice(job, **how)

    monkeypatch.setattr(tasks, "work_slice", broken)
    with pytest.raises(RuntimeError):
        heard(normal)
    assert heard(normal) == 20
    assert status(normal) == "finished"
    assert sweep() == 1, "it is rung for once more, a minute later at most"


def test_whom_to_work_at_costs_one_question(started, django_assert_num_queries):
    normal = started()
    with django_assert_num_queries(1):
        assert work_instead_of(normal, timezone.now()) is None


class TestMakingRoom:
    @pytest.mark.django_db(transaction=True)
    def test_a_slice_ends_early_where_a_more_urgent_job_waits(self, started, provider, settings, monkeypatch):
        monkeypatch.setattr(giving_way, "EVERY", 0.0)
        one_at_a_time = {**settings.AIOPS["CONNECTIONS"]["default"], "MAX_IN_FLIGHT": 1}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": one_at_a_time}}
        normal, high = started(), started(Priority.HIGH)
        at_work(high)

        def its_worker_leaves_it(_request):
            def leave():
                Job.objects.filter(pk=high.pk).update(worker=None, worker_until=None)
                waits_for(high, seconds=3)
                connection.close()

            thread = Thread(target=leave)
            thread.start()
            thread.join()
            return True

        provider.when(its_worker_leaves_it, Answer(data={"category": "payment", "priority": "high"}, delay=0.5))
        assert 0 < heard(normal) < 20
        normal.refresh_from_db()
        assert (normal.status, normal.worker) == ("running", None)
        assert not normal.items.filter(status="claimed").exists()
        assert normal.rung_at is not None, "it is rung for again"
        # The other one is heard of first, for whichever the worker is woken.
        assert work_instead_of(normal, timezone.now()) == high

    def test_one_job_that_waits_ends_one_slice_and_not_all(self, started):
        low, older, newer, high = started(Priority.LOW), started(), started(), started(Priority.HIGH)
        waits_for(high, seconds=3)
        at_work(low, older, newer)
        now = timezone.now()
        assert [is_to_give_way(job, now) for job in (low, newer, older, high)] == [True, False, False, False]
        urgent = started(Priority.HIGH)
        waits_for(urgent, seconds=3)
        assert [is_to_give_way(job, now) for job in (low, newer, older)] == [True, True, False]

    def test_whoever_is_at_batches_or_reads_rows_is_not_waited_for(self, started):
        normal, low, high = started(), started(Priority.LOW), started(Priority.HIGH)
        waits_for(high, seconds=3)
        at_work(normal, low)
        now = timezone.now()
        assert not is_to_give_way(normal, now)
        Job.objects.filter(pk=low.pk).update(transport=Job.Transport.BATCH)
        assert is_to_give_way(normal, now)
        Job.objects.filter(pk=low.pk).update(live_from=now)
        assert not is_to_give_way(normal, now)
        Job.objects.filter(pk=low.pk).update(transport=Job.Transport.LIVE, status=Job.Status.PLANNING)
        assert is_to_give_way(normal, now)

    def test_a_job_that_somebody_free_may_be_about_to_hear_of_ends_nothing(self, started):
        normal, high = started(), started(Priority.HIGH)
        at_work(normal)
        now = timezone.now()
        rung = Job.objects.filter(pk=high.pk)
        rung.update(rung_at=now - UNHEARD)
        assert not is_to_give_way(normal, now)
        rung.update(rung_at=now - UNHEARD - timedelta(seconds=1))
        assert is_to_give_way(normal, now)

    def test_what_is_as_urgent_or_less_ends_nothing(self, started):
        normal = started()
        at_work(normal)
        waits_for(started(), seconds=9)
        waits_for(started(Priority.LOW), seconds=9)
        assert not is_to_give_way(normal, timezone.now())

    def test_looking_costs_one_question_a_second(self, started, django_assert_num_queries, monkeypatch):
        gives_way = GivingWay(started())
        with django_assert_num_queries(0):
            assert not gives_way()
        monkeypatch.setattr(giving_way, "EVERY", 0.0)
        gives_way = GivingWay(started())
        with django_assert_num_queries(1):
            assert not gives_way()

    def test_how_urgent_a_job_is_may_change_while_it_is_worked_at(self, started):
        job, waiting = started(), started()
        at_work(job)
        waits_for(waiting, seconds=9)
        set_priority(Job.objects.get(pk=job.pk), Priority.LOW)
        assert is_to_give_way(job, timezone.now())


def test_code_says_how_urgent_a_job_is_in_a_word(triage):
    assert start_from_code("triage", Ticket).priority == Priority.NORMAL
    assert start_from_code("triage", Ticket, priority="high").priority == Priority.HIGH
    with pytest.raises(JobRefused, match="priority is “urgent”: it must be one of high, low, normal"):
        start_from_code("triage", Ticket, priority="urgent")


def test_a_finished_job_has_no_priority_any_more(started):
    job = started()
    assert set_priority(job, Priority.HIGH) == "The priority of the job is high."
    work(job.pk)
    with pytest.raises(WrongState, match="how urgent it is makes no difference any more"):
        set_priority(job, Priority.LOW)
    assert Job.objects.get(pk=job.pk).priority == Priority.HIGH
