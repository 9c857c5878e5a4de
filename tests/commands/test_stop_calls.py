"""`stop_calls` and `resume_calls`, to the letter."""

import json

import pytest
from django.utils import timezone

from aiops.jobs.models import Job
from aiops.stops.models import Stop
from aiops.stops.switch import stop_all

pytestmark = pytest.mark.usefixtures("budget")

REMEDY = "To go on, choose “Let calls go on” under Stops, or run manage.py resume_calls."


@pytest.fixture
def ada(django_user_model, transactional_db):
    return django_user_model.objects.create(username="ada")


def test_stopping_says_what_everybody_is_told_from_now_on(run, ada):
    ran = run("stop_calls", "--because", "A drill", "--user", "ada")
    stop = Stop.objects.get()
    assert (ran.code, ran.stderr) == (0, "")
    first, _, rest = ran.stdout.partition(" on ")
    assert first == "Every call was stopped by ada"
    assert rest.endswith(f": A drill. {REMEDY}\n")
    assert (stop.by, stop.because) == (ada, "A drill")
    again = run("stop_calls", "--because", "Another reason")
    assert (again.code, again.stdout, again.stderr) == (0, f"Nothing was changed. {ran.stdout}", "")
    told = {"stopped": True, "by": "ada", "since": stop.since.isoformat(), "because": "A drill"}
    assert json.loads(run("stop_calls", "--json").stdout) == told


def test_without_a_reason_and_a_name(run):
    ran = run("stop_calls")
    assert ran.stdout.startswith("Every call was stopped on ")
    assert ran.stdout.endswith(f": no reason was given. {REMEDY}\n")


def test_going_on(run):
    run("stop_calls")
    ran = run("resume_calls")
    assert (ran.code, ran.stdout, ran.stderr) == (0, "Calls go on.\n", "")
    ran = run("resume_calls")
    assert (ran.code, ran.stdout, ran.stderr) == (2, "", "CommandError: Nothing is stopped: calls are being made.\n")
    run("stop_calls")
    told = {"stopped": False, "by": None, "since": None, "because": None, "paused_jobs": 0}
    assert json.loads(run("resume_calls", "--json").stdout) == told


def test_a_user_who_does_not_exist_stops_nothing(run):
    ran = run("stop_calls", "--user", "eve")
    assert (ran.code, ran.stdout, ran.stderr) == (2, "", "CommandError: There is no user “eve”.\n")
    assert not Stop.objects.exists()


def test_the_settings_are_not_talked_out_of_it(run, settings):
    settings.AIOPS = settings.AIOPS | {"STOPPED": "The contract has ended."}
    ran = run("resume_calls")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr == (
        'CommandError: The settings stop every call: take AIOPS["STOPPED"] out, and restart the processes.\n'
    )


def test_letting_calls_go_on_says_which_jobs_wait(run, triage):
    Job.objects.create(
        version=triage,
        connection="default",
        model="gpt-6-luna",
        source={},
        source_text="1 row",
        status=Job.Status.PAUSED,
        item_count=1,
        created_at=timezone.now(),
    )
    run("stop_calls")
    told = "Calls go on.\n1 job is paused; resume it with: manage.py job_status N --resume\n"
    assert run("resume_calls").stdout == told


def test_a_prompt_asked_by_a_command_is_refused(run, greeting, provider):
    stop_all(None, "a drill")
    ran = run("run_prompt", "greet", "--var", "name=Ada")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("CommandError: Every call was stopped on ")
    assert provider.requests == []
