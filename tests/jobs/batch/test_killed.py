"""A process that dies anywhere on the way of a batch: no call is lost, none is made twice, no money stays held."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from aiops.calls.models import Call
from aiops.gateway.testing import CutBody, Disconnect, Drip, Hang, Status
from aiops.jobs.control import resume
from aiops.jobs.models import Batch, Job
from aiops.jobs.tasks import sweep, work
from aiops.ledger.models import Hold
from tests.jobs.batch.conftest import (
    a_minute_later,
    by_another,
    counts,
    created,
    held_and_settled,
    lines_of,
    to_the_end,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]

FULL = Path("/dev/full")

WORK = """
import sys, django
from django.conf import settings
settings.AIOPS["CONNECTIONS"]["default"] = {
    "BASE_URL": sys.argv[2], "API_KEY": "stand-in", "MODEL": "gpt-6-luna", "PROVIDER": "openai", "SUPPORTS_BATCH": True
}
django.setup()
from aiops.jobs.tasks import work
work(int(sys.argv[1]))
"""


@pytest.fixture
def killed_at(provider, site_environment):
    """Work at a job in a process of its own, and kill it once it asks the provider for something."""

    def start(job, match, *, acts):
        reached, gone = threading.Event(), threading.Event()

        def meets(request):
            if gone.is_set() or not match(request):
                return False
            reached.set()
            return True

        # The answer never comes; where the request is to be acted upon, that is done all the same.
        provider.when(meets, Drip(seconds_per_byte=60.0) if acts else Hang(60))
        process = subprocess.Popen([sys.executable, "-c", WORK, str(job.pk), provider.base_url], env=site_environment)
        try:
            assert reached.wait(60), process.poll()
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            gone.set()

    return start


def is_create(request):
    return request.method == "POST" and request.path.endswith("/batches")


def is_upload(request):
    return request.method == "POST" and request.path.endswith("/files")


def is_read(request):
    return request.path.endswith("/content")


def everything_is_done_once(job, provider):
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    assert held_and_settled() == (0, job.cost)
    assert not Call.objects.open().exists()
    assert not Hold.objects.filter(state=Hold.State.HELD).exists()
    assert provider.totals.answers == 20


@pytest.mark.slow
def test_killed_while_the_file_is_sent_leaves_nothing_held_and_nothing_asked(job, provider, killed_at):
    killed_at(job, is_upload, acts=False)
    batch = job.batches.get()
    assert (batch.status, counts(job)) == (Batch.Status.PREPARING, {"claimed": 20})
    assert held_and_settled()[0] > 0
    a_minute_later(job)
    batch.refresh_from_db()
    assert batch.status == Batch.Status.WITHDRAWN
    to_the_end(job)
    everything_is_done_once(job, provider)
    assert created(provider) == 1


@pytest.mark.slow
def test_killed_before_the_answer_to_its_creation_it_is_found_and_not_made_again(job, provider, killed_at):
    killed_at(job, is_create, acts=True)
    batch = job.batches.get()
    assert (batch.status, batch.provider_id) == (Batch.Status.SUBMITTING, "")
    to_the_end(job)
    everything_is_done_once(job, provider)
    assert created(provider) == 1


@pytest.mark.slow
def test_killed_before_its_creation_arrived_it_is_made_by_the_next(job, provider, killed_at):
    killed_at(job, is_create, acts=False)
    to_the_end(job)
    everything_is_done_once(job, provider)
    assert (created(provider), len(lines_of(provider))) == (2, 1)


@pytest.mark.slow
def test_killed_while_it_reads_it_is_read_by_the_next(job, provider, killed_at):
    work(job.pk)
    Batch.objects.update(look_at=timezone.now())
    killed_at(job, is_read, acts=True)
    batch = job.batches.get()
    assert (batch.status, counts(job)) == (Batch.Status.READING, {"claimed": 20})
    to_the_end(job)
    everything_is_done_once(job, provider)


@pytest.mark.parametrize("reply", [CutBody(), Status(500), Status(503), Disconnect()])
def test_whatever_becomes_of_its_creation_there_is_one_batch(job, provider, reply):
    provider.when(is_create, reply, times=1)
    to_the_end(job)
    everything_is_done_once(job, provider)
    assert job.batches.count() == 1


@pytest.mark.parametrize("reply", [CutBody(), Status(500), Disconnect()])
@pytest.mark.parametrize("match", [is_read, lambda request: "/batches/" in request.path])
def test_a_look_that_fails_is_made_again(job, provider, reply, match):
    provider.when(match, reply, times=2)
    to_the_end(job)
    everything_is_done_once(job, provider)


def test_a_sweep_never_takes_what_waits_in_a_batch_for_lost(job, provider):
    work(job.pk)
    long_ago = timezone.now() - timedelta(hours=30)
    Call.objects.update(started_at=long_ago)
    Job.objects.update(rung_at=None)
    sweep()
    assert Call.objects.open().count() == 20
    to_the_end(job)
    everything_is_done_once(job, provider)


def test_the_sweep_rings_for_batches_that_are_due(job, provider):
    work(job.pk)
    assert sweep() == 0, "it was looked at just now"
    Batch.objects.update(look_at=timezone.now())
    assert sweep() == 1
    assert sweep() == 0, "rung for already"


def test_while_a_batch_is_prepared_nobody_else_withdraws_it(job, provider, settings):
    """Somebody who comes in the middle of the upload finds the job taken, and the batch not left behind."""
    seen = []

    def look(request):
        if is_upload(request) and not seen:
            seen.append(by_another(lambda: work(job.pk)))
        return False

    provider.when(look, Status(500))
    to_the_end(job)
    everything_is_done_once(job, provider)
    assert seen == [0]


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
@pytest.mark.parametrize("while_it", ["is filled", "is read"])
def test_a_full_disk_loses_nothing(job, provider, monkeypatch, while_it):
    real = tempfile.TemporaryFile
    if while_it == "is read":
        work(job.pk)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: FULL.open("r+b", buffering=0))
    a_minute_later(job)
    assert not job.items.filter(status="failed").exists()
    assert provider.totals.answers == (20 if while_it == "is read" else 0)
    if while_it == "is filled":
        assert (job.status, held_and_settled(), Call.objects.count()) == (Job.Status.PAUSED, (0, 0), 0)
        assert "cannot be written (No space left on device)" in job.paused_because
        resume(job)
    monkeypatch.setattr(tempfile, "TemporaryFile", real)
    to_the_end(job)
    everything_is_done_once(job, provider)


def test_a_batch_at_which_this_program_fails_keeps_nobody_from_the_others(job, provider, connection_with):
    connection_with(BATCH_LINES=10)
    work(job.pk)
    broken, whole = job.batches.order_by("pk")
    Batch.objects.filter(pk=broken.pk).update(provider_id="../models")
    a_minute_later(job)
    whole.refresh_from_db()
    broken.refresh_from_db()
    assert whole.status == Batch.Status.COMPLETED
    assert (broken.status, counts(job)) == (Batch.Status.UNDER_WAY, {"claimed": 10, "succeeded": 10})
    assert "failed inside this program (ValueError)" in broken.error
