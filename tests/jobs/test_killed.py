"""A worker that is killed in the middle loses nothing: a real process, a real signal."""

import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from aiops.calls.models import Call
from aiops.gateway.testing import Hang
from aiops.jobs.models import Item, Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.ledger.models import BudgetPeriod, Hold

WORK = "import sys, django; django.setup(); from aiops.jobs.tasks import work; work(int(sys.argv[1]))"


@pytest.fixture
def worker(site_environment):
    """Start a process that works at a job; it is gone at the end."""
    started = []

    def start(job):
        process = subprocess.Popen([sys.executable, "-c", WORK, str(job.pk)], env=site_environment)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_was_in_flight_is_named_and_everything_else_is_done_once(triage, tickets, budget, provider, worker):
    slow = set()

    def is_slow(request):
        text = request.body["messages"][1]["content"]
        # The first time round, six rows take longer than their worker lives.
        return text in {ticket.text for ticket in tickets[-6:]} and text not in slow and not slow.add(text)

    provider.when(is_slow, Hang(60))
    job = start_job(triage, model_source("helpdesk.Ticket"))
    process = worker(job)
    deadline = time.monotonic() + 60
    while job.items.filter(status=Item.Status.SUCCEEDED).count() < 14:
        assert process.poll() is None, "the worker ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert job.items.count_by_status() == {"pending": 0, "claimed": 6, "succeeded": 14, "failed": 0}
    in_flight = Call.objects.open()
    assert {call.item_id for call in in_flight} == set(job.items.open().values_list("pk", flat=True))
    charged = sum(Hold.objects.filter(state=Hold.State.HELD).values_list("amount", flat=True))
    assert BudgetPeriod.objects.get().held == charged > 0

    assert work(job.pk) == 0, "the dead worker still has the job"
    past = timezone.now() - timedelta(seconds=1)
    Job.objects.update(worker_until=past)
    job.items.open().update(lease_until=past)
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, job.items.filter(status=Item.Status.SUCCEEDED).count()) == (Job.Status.FINISHED, 20)
    assert Call.objects.filter(status=Call.Status.UNKNOWN).count() == 6
    assert Call.objects.filter(status=Call.Status.SUCCEEDED).count() == 20
    assert job.unknown_costs == 6
    period = BudgetPeriod.objects.get()
    assert (period.held, period.settled) == (0, job.cost + charged)
    assert provider.totals.answers == 20
