"""A tick that is killed while it starts a run: a real process, a real signal, one job in the end."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from aiops.jobs.models import Item, Job
from aiops.jobs.schedules.due import run_due
from aiops.jobs.schedules.model import LOST, JobSchedule

TICK = """
import os, signal, sys
import django; django.setup()
from django.utils import timezone
from aiops import failpoints
from aiops.jobs.schedules.due import run_due
def reached(name):
    if name == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)
failpoints.reached = reached
run_due(timezone.now())
"""


@pytest.fixture
def tick(site_environment):
    """Run what is due in a process of its own, which dies at a place; returns how it ended."""

    def run(place):
        return subprocess.run([sys.executable, "-c", TICK, place], env=site_environment, timeout=120).returncode

    return run


@pytest.mark.slow
@pytest.mark.parametrize("place", ["schedule.taken", "plan.made", "plan.items", "plan.begun", "schedule.started"])
@pytest.mark.django_db(transaction=True)
def test_a_run_is_one_job_wherever_its_process_was_killed(triage, tickets, budget, provider, tick, place):
    boss = User.objects.create_superuser("boss")
    due = timezone.now() - timedelta(minutes=1)
    JobSchedule.objects.create(
        name="Nightly",
        prompt=triage.prompt,
        row_model="helpdesk.Ticket",
        only="all",
        cron="0 2 * * *",
        owner=boss,
        next_at=due,
    )
    assert tick(place) == -signal.SIGKILL
    assert run_due(timezone.now()) == 0
    run_due(timezone.now() + LOST + timedelta(minutes=1))
    job = Job.objects.get()
    assert (job.status, job.item_count, job.items.filter(status=Item.Status.PENDING).count()) == ("running", 20, 20)
    schedule = JobSchedule.objects.get()
    assert (schedule.outcome, schedule.taken_at, schedule.takes) == ("started", None, 0)
    assert schedule.next_at > timezone.now() - timedelta(minutes=1)
