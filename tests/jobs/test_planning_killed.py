"""A planner that is killed, wherever it is: a real process, a real signal, each row once in the end."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from django.utils import timezone

from aiops.jobs.models import Job, UnreadPart
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import sweep, work
from project.helpdesk.models import Ticket

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]

ROWS = 35

SETUP = """
import os, signal, sys
import django; django.setup()
from django.conf import settings
from aiops import failpoints
from aiops.options import options
settings.AIOPS = settings.AIOPS | {"PLANNED_AT_ONCE": 10}
options.cache_clear()
place, seen = sys.argv[1], []
def reached(name):
    seen.append(name)
    if name == place and seen.count(name) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
failpoints.reached = reached
"""

DOOR = """
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from prompts.models import PromptVersion
start_job(PromptVersion.objects.get(), model_source("helpdesk.Ticket"))
"""

WORKER = """
from aiops.jobs.models import Job
from aiops.jobs.tasks import work
work(Job.objects.get().pk)
"""


@pytest.fixture
def killed(site_environment):
    """Run something in a process of its own, which dies at a place where it has come by so often."""

    def run(code, place, times):
        command = [sys.executable, "-c", SETUP + code, place, str(times)]
        assert subprocess.run(command, env=site_environment, timeout=120).returncode == -signal.SIGKILL

    return run


@pytest.fixture
def many(db, settings):
    settings.AIOPS = settings.AIOPS | {"PLANNED_AT_ONCE": 10}
    Ticket.objects.bulk_create([Ticket(text=f"Text {n % 30}") for n in range(ROWS)])
    return [str(pk) for pk in Ticket.objects.order_by("pk").values_list("pk", flat=True)]


def come_to_its_end(job):
    """The lease of the dead ends, the sweeper rings, a worker comes."""
    Job.objects.update(worker_until=timezone.now(), rung_at=None)
    sweep()
    job.refresh_from_db()
    work(job.pk, job.rung_at.isoformat())
    job.refresh_from_db()


def is_whole(job, many):
    """Each row once, in its order, and those that are alike found; all of it asked once."""
    items = list(job.items.order_by("position").values_list("position", "row_key", "same_as"))
    alike = [(n, key, None if n <= 30 else n - 30) for n, key in enumerate(many, start=1)]
    return items == alike and (job.item_count, job.duplicates, job.read_to) == (ROWS, 5, ROWS)


@pytest.mark.parametrize("place", ["plan.made", "plan.items", "planning.writing"])
def test_at_the_door_before_the_first_chunk_is_there_nothing_is_left(triage, many, killed, place):
    killed(DOOR, place, 1)
    assert not Job.objects.exists() and not UnreadPart.objects.exists()


@pytest.mark.parametrize("place", ["plan.committed", "planning.left"])
def test_at_the_door_after_it_a_worker_goes_on(triage, many, killed, place):
    killed(DOOR, place, 1)
    job = Job.objects.get()
    assert (job.status, job.item_count) == (Job.Status.PLANNING, 10)
    come_to_its_end(job)
    assert is_whole(job, many) and job.status == Job.Status.RUNNING


@pytest.mark.parametrize(
    ("place", "times", "written"),
    [
        ("planning.taken", 1, 10),
        ("planning.read", 1, 10),
        ("planning.writing", 1, 10),
        ("planning.written", 1, 20),
        ("planning.writing", 2, 20),
        ("planning.written", 3, ROWS),
        ("planning.begun", 1, ROWS),
    ],
)
def test_a_worker_that_dies_costs_one_chunk_at_most(triage, many, killed, provider, place, times, written):
    job = start_job(triage, model_source("helpdesk.Ticket"))
    killed(WORKER, place, times)
    job.refresh_from_db()
    assert (job.status, job.item_count, job.items.count()) == (Job.Status.PLANNING, written, written)
    come_to_its_end(job)
    assert is_whole(job, many) and job.status == Job.Status.RUNNING
    work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED
    assert len(provider.requests) == 30
