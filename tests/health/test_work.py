"""`manage.py work`: real clusters of django-q2, killed and stopped in every way, and a job that ends all the same."""

import os
import signal
import time
from pathlib import Path

import pytest
from django.db import connection, transaction
from django_q.models import Success
from django_q.tasks import async_task

from aiops.gateway.testing import Answer
from aiops.jobs.models import Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from tests.health.conftest import is_alive, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def has_ended(job):
    job.refresh_from_db()
    return job.status == Job.Status.FINISHED


def kill_the_idle_worker(workers):
    """It waits for the next message, and holds the lock of the queue while it does: nobody will ever get it."""
    os.kill(workers.wait_for_beat(), signal.SIGKILL)


def stop_all_of_it(workers):
    """As a machine does that has run out of memory, or a debugger."""
    workers.wait_for_beat()
    os.killpg(workers.main, signal.SIGSTOP)


@pytest.mark.parametrize("blow", [kill_the_idle_worker, stop_all_of_it])
def test_a_cluster_that_stands_still_is_replaced_and_a_job_started_afterwards_ends(
    triage, tickets, budget, start_workers, blow
):
    workers = start_workers("--stale", "8")
    blow(workers)
    first = workers.main
    job = start_job(triage, model_source("helpdesk.Ticket"))
    wait_for(lambda: has_ended(job))
    assert workers.main != first
    assert not is_alive(first)
    assert "stand still" in workers.said
    assert job.items.count_by_status()["succeeded"] == 20


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("whom", [lambda main: main, lambda main: children(main)[0]], ids=["main", "sentinel"])
def test_a_process_that_keeps_the_others_leaves_nobody_behind_when_it_is_killed(start_workers, whom):
    workers = start_workers("--stale", "60")
    worker = workers.wait_for_beat()
    os.kill(whom(workers.main), signal.SIGKILL)
    assert workers.wait_for_beat() != worker
    assert not is_alive(worker)
    assert "ended by themselves" in workers.said


def test_a_worker_at_a_long_task_of_the_shop_is_left_in_peace(start_workers):
    workers = start_workers("--stale", "8")
    workers.wait_for_beat()
    main, beats = workers.main, workers.row.beats
    task = async_task("time.sleep", 25)
    wait_for(lambda: Success.objects.filter(pk=task).exists())
    # The one worker had nothing to say meanwhile.
    assert workers.row.beats <= beats + 2
    workers.wait_for_beat()
    assert workers.main == main
    assert "stand still" not in workers.said


@pytest.mark.sqlite
def test_a_database_that_somebody_else_writes_to_for_long_is_no_fault_of_the_workers(start_workers):
    workers = start_workers("--stale", "10")
    workers.wait_for_beat()
    main = workers.main
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE aiops_heartbeat SET host = host")
        time.sleep(18)
    workers.wait_for_beat()
    assert workers.main == main
    assert "stand still" not in workers.said


def test_asked_to_end_it_lets_the_slice_come_to_its_end(triage, tickets, budget, provider, start_workers):
    provider.when(lambda _: True, Answer(delay=3))
    workers = start_workers("--stale", "60")
    job = start_job(triage, model_source("helpdesk.Ticket"))
    wait_for(lambda: len(provider.requests) == 20)
    assert workers.end() == 0
    assert job.items.count_by_status()["succeeded"] == 20
    assert workers.row.ended_at is not None


def test_one_that_does_not_end_in_time_is_killed_with_all_its_processes(start_workers):
    workers = start_workers("--stale", "60", "--grace", "2")
    worker = workers.wait_for_beat()
    main = workers.main
    os.killpg(main, signal.SIGSTOP)
    assert workers.end() == 0
    assert not is_alive(worker) and not is_alive(main)
    assert "not ended in time" in workers.said


def test_told_twice_it_ends_at_once(start_workers):
    workers = start_workers("--grace", "600")
    worker = workers.wait_for_beat()
    os.killpg(workers.main, signal.SIGSTOP)
    workers.process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert workers.end(signal.SIGINT) == 0
    assert not is_alive(worker)


def test_a_cluster_ends_with_the_process_that_watched_it(start_workers):
    workers = start_workers()
    worker = workers.wait_for_beat()
    main = workers.main
    workers.process.kill()
    workers.process.wait()
    wait_for(lambda: not is_alive(worker) and not is_alive(main))


def test_with_an_error_in_the_settings_nothing_is_started(start_workers):
    workers = start_workers(OPENAI_BASE_URL="http://user:password@127.0.0.1/v1")
    assert workers.process.wait(60) == 1
    assert "aiops.E004" in workers.said
    assert workers.row is None
