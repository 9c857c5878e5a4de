"""What a job has come to is kept count of: its page opens as fast with many rows as with few, and never tells more."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from aiops import failpoints
from aiops.gateway.testing import Status
from aiops.jobs.attendance import attendance_of
from aiops.jobs.claim import claim, pick
from aiops.jobs.control import retry_failed
from aiops.jobs.counting import counted_of
from aiops.jobs.models import Item, Job
from aiops.jobs.progress import progress_of
from aiops.jobs.settle import fail
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from project.helpdesk.models import Ticket
from tests.screens.rows import make_job, make_version

pytestmark = pytest.mark.usefixtures("budget")


@pytest.fixture
def job(triage, tickets, provider):
    """A job over 20 tickets, the last three of which read like the first."""
    first = Ticket.objects.order_by("pk").first()
    last = Ticket.objects.order_by("-pk").values("pk")[:3]
    Ticket.objects.filter(pk__in=list(last.values_list("pk", flat=True))).update(
        text=first.text, subject=first.subject, language=first.language
    )
    return start_job(triage, model_source("helpdesk.Ticket"))


def kept(job):
    return {(one.status, one.error_kind, one.alike): one.n for one in job.ends.all() if one.n}


def true(job):
    return {(one["status"], one["error_kind"], one["alike"]): one["n"] for one in counted_of(job)}


def test_what_is_kept_is_what_counting_would_find(job, provider):
    provider.when(lambda request: True, Status(400), times=5)
    work(job.pk)
    assert kept(job) == true(job)
    progress = progress_of(Job.objects.get(pk=job.pk), timezone.now())
    assert progress.counts == job.items.count_by_status()
    assert progress.counts["failed"] >= 5 and progress.counts["succeeded"] > 0
    assert sum(n for (_status, _kind, alike), n in kept(job).items() if alike) == job.duplicates == 3


def test_rows_that_are_tried_again_are_counted_out_and_in(job, provider):
    provider.when(lambda request: True, Status(400))
    work(job.pk)
    assert kept(job) == true(job) and progress_of(job, timezone.now()).counts["failed"] == 20
    retry_failed(job)
    assert kept(job) == true(job) == {}
    job.refresh_from_db()
    assert progress_of(job, timezone.now()).to_ask == 17


def test_rows_that_another_worker_has_taken_over_are_not_counted_for_the_late_one(job):
    now, owner, other = timezone.now(), uuid4(), uuid4()
    picked = pick(job, limit=4, now=now)
    claim(picked, owner=owner, until=now, now=now)
    Item.objects.filter(pk=picked[0].pk).update(owner=other)
    fail(job, [(item, "prompt", "It does not fit.") for item in picked], owner=owner, now=now)
    assert kept(job) == true(job)
    assert sum(kept(job).values()) >= 3 and job.items.get(pk=picked[0].pk).status == Item.Status.CLAIMED


class Killed(BaseException):
    """Passes every `except Exception`, as the end of a process does."""


@pytest.mark.parametrize("place", ["ends.counted", "settle.items", "settle.counted"])
@pytest.mark.django_db(transaction=True)
def test_a_death_in_the_middle_counts_nothing_twice(job, place, monkeypatch):
    def reached(name):
        if name == place:
            raise Killed

    monkeypatch.setattr(failpoints, "reached", reached)
    with pytest.raises(Killed):
        work(job.pk)
    assert kept(job) == true(job) == {}
    monkeypatch.setattr(failpoints, "reached", None)
    Item.objects.filter(status=Item.Status.CLAIMED).update(lease_until=timezone.now())
    Job.objects.filter(pk=job.pk).update(worker=None, rung_at=None)
    work(job.pk)
    assert kept(job) == true(job)
    assert sum(kept(job).values()) == 20


def test_a_job_of_thousands_is_asked_about_in_as_few_questions_as_one_of_ten(db):
    def questions(job):
        with CaptureQueriesContext(connection) as asked:
            now = timezone.now()
            progress_of(job, now)
            attendance_of(job, now)
        return [query["sql"] for query in asked]

    few = make_job(make_version(), succeeded=5, failed=2, claimed=1, pending=2)
    many = make_job(make_version(), succeeded=2500, failed=1000, claimed=40, pending=1460)
    assert len(questions(few)) == len(questions(many)) == 5
    # Of items, only those under way are counted.
    assert sum("aiops_item" in sql for sql in questions(many)) == 1
