"""`job_schedules`: what starts by itself, what it would ask now, and one run beside its times."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from aiops.jobs.models import Job
from aiops.jobs.schedules.due import run_now
from aiops.jobs.schedules.model import LOST, JobSchedule

pytestmark = pytest.mark.usefixtures("provider")

NIGHT = datetime(2027, 1, 1, 2, 30, tzinfo=UTC)


@pytest.fixture
def nightly(triage, tickets):
    boss = get_user_model().objects.create_superuser("boss")
    schedule = JobSchedule(
        name="Nightly",
        prompt=triage.prompt,
        row_model="helpdesk.Ticket",
        cron="30 2 * * *",
        time_zone="UTC",
        owner=boss,
    )
    schedule.full_clean()
    schedule.next_at = NIGHT
    schedule.save()
    return schedule


def test_all_of_them_the_next_first(run, nightly, triage):
    JobSchedule.objects.create(name="Another", prompt=triage.prompt, row_model="helpdesk.Ticket", active=False)
    assert run("job_schedules").stdout == (
        "Nightly · triage-ticket@production · helpdesk.Ticket · next 2027-01-01 02:30+00:00\n"
        "Another · triage-ticket@production · helpdesk.Ticket · switched off\n"
    )
    found = json.loads(run("job_schedules", "--json").stdout)
    assert (found[0]["name"], found[0]["next_at"], found[0]["owner"]) == ("Nightly", NIGHT.isoformat(), "boss")


def test_none_says_where_they_are_written(run, budget):
    assert run("job_schedules").stdout == "There is no schedule yet: write one in the admin, under Schedules.\n"


def test_what_it_would_ask_now_is_a_quote_and_sends_nothing(run, nightly, provider):
    out = run("job_schedules", "Nightly", "--dry-run").stdout
    assert out.startswith("20 rows of helpdesk.Ticket, new, or changed since they were answered, 19 unique")
    assert out.endswith("Nothing was sent (dry run).\n")
    assert provider.requests == [] and not Job.objects.exists()
    JobSchedule.objects.update(filters="pk=0")
    out = run("job_schedules", "Nightly", "--dry-run").stdout
    assert out == "There is nothing to do: 0 rows of helpdesk.Ticket, new, or changed since they were answered.\n"


def test_one_run_now_leaves_its_times_alone(run, nightly):
    ran = run("job_schedules", "Nightly", "--run")
    job = Job.objects.get()
    assert (ran.code, job.schedule) == (0, nightly)
    assert f"started. Job {job.pk}:" in ran.stdout
    again = run("job_schedules", "Nightly", "--run")
    assert (again.code, Job.objects.count()) == (1, 1)
    assert f"Job {job.pk} of the run before is running." in again.stderr
    after = JobSchedule.objects.get()
    assert (after.next_at, after.taken_at) == (NIGHT, None)


def test_a_run_that_is_broken_off_is_not_started_later(nightly):
    def ctrl_c(execute, sql, *arguments):
        if sql.startswith('INSERT INTO "aiops_job"'):
            raise KeyboardInterrupt
        return execute(sql, *arguments)

    now = timezone.now()
    with connection.execute_wrapper(ctrl_c), pytest.raises(KeyboardInterrupt):
        run_now(nightly, now)
    after = JobSchedule.objects.get()
    assert (after.taken_at, after.outcome, after.outcome_text) == (None, "refused", "It was broken off.")
    assert not JobSchedule.objects.due(now + 2 * LOST).exists()


def test_one_that_is_switched_off_and_whose_run_was_lost_can_be_run(run, nightly):
    JobSchedule.objects.update(active=False, taken_at=timezone.now())
    assert "is just being started" in run("job_schedules", "Nightly", "--run").stderr
    JobSchedule.objects.update(taken_at=timezone.now() - LOST)
    assert run("job_schedules", "Nightly", "--run").code == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["Nightl"], 'There is no schedule "Nightl".'),
        (["--run"], "Name the schedule first"),
        (["--dry-run"], "Name the schedule first"),
        (["Nightly", "--run", "--dry-run"], "not allowed with"),
    ],
)
def test_what_makes_no_sense_is_refused(run, nightly, arguments, why):
    ran = run("job_schedules", *arguments)
    assert ran.code == 2 and why in ran.stderr
    assert not Job.objects.exists()


def test_a_run_that_is_refused_says_why(run, nightly):
    JobSchedule.objects.update(version="gone")
    ran = run("job_schedules", "Nightly", "--run")
    assert ran.code == 2 and 'has no label "gone"' in ran.stderr
    assert run("job_schedules", "Nightly", "--dry-run").code == 2


def test_a_run_that_the_tick_has_just_taken_is_not_started_twice(run, nightly):
    assert nightly.take(NIGHT)
    ran = run("job_schedules", "Nightly", "--run")
    assert ran.code == 2 and "just being started" in ran.stderr
    assert not Job.objects.exists()
