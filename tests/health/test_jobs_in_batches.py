"""A job that waits for its provider is well, and whoever waits for it long has said so."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.signals import post_execute_in_worker, pre_execute

from aiops.calls.models import Call
from aiops.health.busy import Notes, leave_notes
from aiops.health.examine import examine
from aiops.health.signs import Level
from aiops.jobs import heartbeat
from aiops.jobs.models import Batch, Heartbeat, Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import sweep, work
from tests.jobs.batch.conftest import connection_with  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


@pytest.fixture
def job(triage, tickets, connection_with):  # noqa: F811 - the fixture
    """Its batch has been with the provider for hours."""
    job = start_job(triage, model_source("helpdesk.Ticket"), batch=True)
    work(job.pk)
    hours_ago = timezone.now() - timedelta(hours=5)
    Job.objects.update(created_at=hours_ago, worker_until=hours_ago, rung_at=None)
    Call.objects.update(started_at=hours_ago)
    return job


def bad():
    return {sign.what for sign in examine(timezone.now()).signs if sign.level is Level.BAD}


def test_a_job_whose_batch_is_with_the_provider_is_well(job):
    assert not bad() & {"jobs_alone", "calls"}


def test_one_whose_batch_nobody_looks_at_is_not(job):
    Batch.objects.update(look_at=timezone.now() - timedelta(minutes=10))
    assert "jobs_alone" in bad()


def test_calls_that_are_older_than_any_batch_are_not(job):
    Call.objects.update(started_at=timezone.now() - timedelta(days=8))
    assert "calls" in bad()
    Batch.objects.update(look_at=timezone.now() + timedelta(minutes=10))
    sweep()
    assert not Call.objects.open().exists()
    assert Job.objects.get().unknown_costs == 20


def test_a_job_that_a_worker_has_just_left_is_not_alone(job):
    Batch.objects.all().delete()
    Job.objects.update(worker_until=timezone.now())
    assert "jobs_alone" not in bad()


def test_a_worker_leaves_a_note_before_it_is_silent_and_beats_at_its_batches(
    triage,
    tickets,
    connection_with,  # noqa: F811 - the fixture
    provider,
    tmp_path,
    monkeypatch,
):
    monkeypatch.setattr(heartbeat, "_notes", [])
    monkeypatch.setattr(heartbeat, "EVERY", 0.0)
    leave_notes(tmp_path, timeout=5)
    seen = []

    def look(request):
        if request.path.endswith(("/files", "/batches", "/content")) and request.method in ("POST", "GET"):
            seen.append((request.path.rpartition("/")[2], (tmp_path / str(os.getpid())).exists()))
        return False

    provider.when(look, "never said")
    job = start_job(triage, model_source("helpdesk.Ticket"), batch=True)
    beats = sum(Heartbeat.objects.values_list("beats", flat=True))
    work(job.pk)
    Batch.objects.update(look_at=timezone.now())
    work(job.pk)
    assert dict(seen) == {"files": True, "batches": True, "content": True}
    assert not Notes(tmp_path).anybody(0.0)
    assert sum(Heartbeat.objects.values_list("beats", flat=True)) > beats + 4
    pre_execute.disconnect(dispatch_uid="aiops.health.busy")
    post_execute_in_worker.disconnect(dispatch_uid="aiops.health.busy")
