"""The page of health, and what monitoring reads."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.utils import timezone

from aiops.health.examine import examine
from aiops.jobs.models import Heartbeat
from aiops.jobs.tasks import say_alive
from aiops.stops.switch import stop_all
from tests.screens.rows import make_job, make_version

PAGE = "/admin/aiops/heartbeat/"


@pytest.fixture
def reader(django_user_model, db):
    """Somebody on call: staff that may see jobs, and nothing else."""
    user = django_user_model.objects.create_user("ada", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_job"))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.django_db
def test_the_page_says_what_is_wrong_first_and_what_to_do(reader):
    stop_all(None, "<b>A drill</b>")
    job = make_job(make_version(), pending=1, rung_at=timezone.now() - timedelta(hours=1))
    html = reader.get(PAGE).content.decode()
    states = re.findall(r'aiops-status aiops-(\w+)"', html)
    table = states[1:]
    assert table == sorted(table, key=["failed", "paused", "succeeded"].index)
    assert f"Job {job.pk} is running, and nobody is at it." in html
    assert 'href="/admin/aiops/job/?status=running"' in html
    assert "Start them: manage.py work" in html
    assert "None has been heard of." in html
    assert "<b>A drill</b>" not in html


@pytest.mark.django_db
def test_the_page_names_the_clusters(reader):
    say_alive()
    html = reader.get(PAGE).content.decode()
    assert Heartbeat.objects.get().cluster in html
    assert "it was started as qcluster" in html


@pytest.mark.django_db
def test_looking_calls_nobody_and_changes_nothing(reader, provider):
    say_alive()
    rows = list(Heartbeat.objects.values())
    assert reader.get(PAGE).status_code == 200
    assert provider.requests == []
    assert list(Heartbeat.objects.values()) == rows


@pytest.mark.django_db
def test_it_is_in_the_index_of_the_app_for_whoever_may_see_jobs(reader, client, django_user_model):
    assert PAGE in reader.get("/admin/aiops/").content.decode()
    other = django_user_model.objects.create_user("bob", password="x", is_staff=True)
    client.force_login(other)
    assert PAGE not in client.get("/admin/").content.decode()


@pytest.mark.django_db
def test_with_settings_that_make_no_sense_the_page_says_so(reader, settings):
    settings.AIOPS = settings.AIOPS | {"COLOUR": "red"}
    assert "an option COLOUR that does not exist" in reader.get(PAGE).content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_command_says_it_and_its_exit_code_tells_how_bad_it_is(run):
    ran = run("health")
    assert ran.code == 1
    assert ran.stdout.startswith("BAD  No worker has been heard of.\n     → Start them: manage.py work\n")
    assert re.fullmatch(r"CommandError: \d+ wrong, \d+ to know of, \d+ well\.\n", ran.stderr)
    quiet = run("health", "--quiet").stdout
    assert "BAD " in quiet and "ok  " not in quiet
    told = json.loads(run("health", "--json").stdout)
    assert told["state"] == "bad"
    assert {sign["what"] for sign in told["signs"]} == {sign.what for sign in examine(timezone.now()).signs}


@pytest.mark.django_db(transaction=True)
def test_what_is_only_to_be_known_of_is_wrong_where_one_is_strict(run, settings, monkeypatch):
    from aiops.jobs.schedule import keep_schedule

    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 99, 0))
    keep_schedule()
    say_alive()
    ran = run("health")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.endswith("All is well.\n")
    assert run("health", "--strict").code == 0
    stop_all(None, "A drill")
    assert run("health").code == 0
    assert run("health", "--strict").code == 1


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_is_neither_well_nor_wrong(run):
    from django.db import OperationalError

    def away(execute, sql, params, many, context):
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(away):
        ran = run("health")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr == ("CommandError: The database does not answer: server closed the connection unexpectedly\n")
