"""Workers say that they are alive by what they do."""

import os
import socket

import pytest

from aiops.gateway.testing import Answer
from aiops.jobs import heartbeat
from aiops.jobs.models import Heartbeat, Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import ring_again, say_alive, sweep, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


def beats():
    return {row.cluster: row.beats for row in Heartbeat.objects.all()}


def test_each_task_is_a_sign_of_life_of_its_cluster():
    # A worker is known by the process that started it, which is the same for all of its cluster.
    here = f"{socket.gethostname()[:60]}:{os.getppid()}"
    work(999)
    assert beats() == {here: 1}
    sweep()
    say_alive()
    assert beats() == {here: 3}
    row = Heartbeat.objects.get()
    assert (row.pid, row.host, row.watched) == (os.getpid(), socket.gethostname(), False)


def test_a_watched_cluster_has_the_name_that_it_was_given(monkeypatch):
    monkeypatch.setenv(heartbeat.CLUSTER_VARIABLE, "shop-7:12")
    say_alive()
    assert Heartbeat.objects.get(cluster="shop-7:12").watched


def test_one_that_had_ended_and_is_heard_of_again_has_not(monkeypatch):
    say_alive()
    row = Heartbeat.objects.get()
    Heartbeat.objects.end(row.cluster, row.beat_at)
    assert not Heartbeat.objects.wanted().exists()
    say_alive()
    assert Heartbeat.objects.wanted().count() == 1


def test_in_a_long_slice_a_worker_says_it_now_and_then(triage, tickets, provider, monkeypatch):
    monkeypatch.setattr(heartbeat, "EVERY", 0.5)
    provider.when(lambda _: True, Answer(delay=2))
    work(start_job(triage, model_source("helpdesk.Ticket")).pk)
    assert sum(beats().values()) >= 3


def test_jobs_that_waited_for_workers_that_died_are_rung_for_again(triage, tickets, provider):
    job = start_job(triage, model_source("helpdesk.Ticket"))
    rung_at = Job.objects.get().rung_at
    assert ring_again() == 1
    later = Job.objects.get().rung_at
    assert later > rung_at
    # The message that the dead one had is no longer worth anything, should it come back.
    assert work(job.pk, rung_at.isoformat()) == 0
    assert work(job.pk, later.isoformat()) == 20
    assert ring_again() == 0
