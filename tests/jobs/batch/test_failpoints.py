"""A process that dies at any of the named places of a batch: whatever it was about to do, the next one does once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import aiops.jobs.batch
from aiops import failpoints
from aiops.gateway.testing import BatchFate, Status
from aiops.jobs.models import Batch, Job
from tests.jobs.batch.conftest import a_minute_later, counts, held_and_settled
from tests.jobs.batch.test_killed import is_create

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]

SOURCES = Path(aiops.jobs.batch.__file__).parent.glob("*.py")
PLACES = sorted({name for path in SOURCES for name in re.findall(r'failpoint\("(batch\.\w+)"\)', path.read_text())})

ONCE = {"batch.undone", "batch.gave_back"}
"""What happens to one batch only in these tests."""


class Killed(BaseException):
    """Passes every `except Exception`, as the end of a process does."""


@pytest.mark.parametrize(
    ("place", "time"), [(place, time) for place in PLACES for time in (1, 2) if time == 1 or place not in ONCE]
)
def test_it_goes_on_where_the_dead_one_was(job, provider, connection_with, monkeypatch, place, time):
    connection_with(BATCH_LINES=10)
    provider.batches.will(BatchFate(ends="expired", done=0.5))
    if place == "batch.undone":
        provider.when(is_create, Status(400, message="Not now."), times=1)
    if place == "batch.sought":
        provider.when(is_create, Status(503, message="Not now."), times=2)
    left = [time]

    def reached(name):
        if name == place:
            left[0] -= 1
            if not left[0]:
                raise Killed

    monkeypatch.setattr(failpoints, "reached", reached)
    for _ in range(20):
        try:
            a_minute_later(job)
        except Killed:
            # Nobody is there to give the job back, nor to say that what it prepared is left behind.
            Job.objects.update(worker=None)
        job.refresh_from_db()
        if job.status == Job.Status.PAUSED:
            job.resume()
        if job.status == Job.Status.FINISHED and not job.batches.open().exists():
            break
    assert left[0] <= 0, "the place was never reached"
    assert (job.status, counts(job)) == (Job.Status.FINISHED, {"succeeded": 20})
    assert held_and_settled() == (0, job.cost)
    assert provider.totals.answers == 20
    assert not Batch.objects.open().exists()
