"""Who is at a job, and who was: what its page and its command say of workers."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from aiops import failpoints
from aiops.gateway.testing import Status
from aiops.jobs.attendance import MOST_WAITING, attendance_of
from aiops.jobs.control import retry_failed
from aiops.jobs.doorbell import ring
from aiops.jobs.heartbeat import cluster_name
from aiops.jobs.models import Heartbeat, Job, JobSlice, Priority
from aiops.jobs.models.slice import KEPT
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.staying import arrive, depart
from aiops.jobs.tasks import work
from aiops.stops.switch import stop_all
from tests.commands.conftest import run  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("budget")


@pytest.fixture
def job(triage, tickets, provider):
    return start_job(triage, model_source("helpdesk.Ticket"))


def attendance(job, now=None):
    job.refresh_from_db()
    return attendance_of(job, now or timezone.now())


class Killed(BaseException):
    """Passes every `except Exception`, as the end of a process does."""


def anything(request):
    return True


def take(job, *, token=None, now=None):
    token, now = token or uuid4(), now or timezone.now()
    return token if arrive(job, token, until=now + timedelta(seconds=10), seconds=20, now=now) else None


def _come_and_go(job, token):
    take(job, token=token)
    depart(job, token)


def ends(job):
    return list(job.slices.order_by("pk").values_list("end", "ended_items"))


def test_a_slice_is_written_with_its_cluster_its_rows_and_its_end(job):
    work(job.pk)
    one = job.slices.get()
    assert (one.cluster, one.end, one.ended_items) == (cluster_name(), "done", 20)
    assert one.began_at < one.ended_at <= one.until
    job.refresh_from_db()
    assert one.began_at < job.answered_at <= one.ended_at


def test_a_slice_whose_time_is_over_is_followed_by_the_next(job):
    token = take(job)
    depart(job, token)
    work(job.pk)
    assert ends(job) == [("went_on", 0), ("done", 20)]


def test_a_pause_is_how_a_slice_ended(job):
    stop_all(None, "a drill")
    work(job.pk)
    assert ends(job) == [("paused", 0)]


def test_who_is_at_it_is_shown_until_the_lease_ends(job):
    token = take(job)
    seen = attendance(job)
    assert seen.at_it.token == token and not seen.past and not seen.waits_for()
    assert seen.as_json()["worker"]["cluster"] == cluster_name()
    later = attendance(job, timezone.now() + timedelta(seconds=11))
    assert later.at_it is None
    assert [how for _one, how in later.past] == ["its worker died"]


def test_whoever_takes_over_closes_the_slice_of_the_dead(job):
    first = take(job, now=timezone.now() - timedelta(minutes=1))
    second = take(job)
    assert ends(job) == [("died", 0), ("", None)]
    # The dead one was only asleep: it changes nothing any more.
    depart(job, first)
    assert ends(job) == [("died", 0), ("", None)]
    assert attendance(job).at_it.token == second


def test_no_second_worker_writes_a_slice(job):
    take(job)
    assert take(job) is None
    assert job.slices.count() == 1


def test_to_take_twice_after_a_broken_wire_is_one_slice(job):
    token = take(job)
    assert take(job, token=token) == token
    assert job.slices.count() == 1


def test_only_the_last_slices_are_kept(job):
    for _ in range(KEPT + 3):
        depart(job, take(job))
    assert job.slices.count() == KEPT


@pytest.mark.parametrize("place", ["slice.taking", "slice.leaving"])
@pytest.mark.django_db(transaction=True)
def test_a_death_leaves_lease_and_slice_in_one_state(job, place, monkeypatch):
    def reached(name):
        if name == place:
            raise Killed

    monkeypatch.setattr(failpoints, "reached", reached)
    token = uuid4()
    with pytest.raises(Killed):
        _come_and_go(job, token)
    job.refresh_from_db()
    at_it = job.slices.under_way().filter(token=token).exists()
    assert (job.worker == token) == at_it == (place == "slice.leaving")


def test_a_row_that_is_tried_again_counts_in_both_slices(job, provider):
    provider.when(anything, Status(400), times=20)
    work(job.pk)
    assert ends(job) == [("done", 20)]
    retry_failed(job)
    work(job.pk)
    assert ends(job) == [("done", 20), ("done", 20)]


def test_without_workers_the_page_says_how_to_start_them(job):
    said = attendance(job)
    assert said.is_bad
    assert said.waits_for() == "No worker has been heard of lately, so nobody will come. Start them: manage.py work"


def alive():
    Heartbeat.objects.beat("shop:1", host="shop", pid=1, watched=False, now=timezone.now())


def test_a_job_that_was_rung_for_says_since_when_and_how_many_are_before_it(job, triage):
    alive()
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(rung_at=now - timedelta(seconds=12))
    assert attendance(job, now).waits_for() == "A worker was rung for 12 s ago and has not come yet."
    other = start_job(triage, model_source("helpdesk.Ticket"))
    Job.objects.filter(pk=other.pk).update(rung_at=now - timedelta(seconds=30))
    assert attendance(job, now).waits_for().endswith("has not come yet. 1 job before it waits.")
    assert MOST_WAITING >= attendance(job, now).before == 1
    Job.objects.filter(pk=job.pk).update(priority=Priority.HIGH)
    job.refresh_from_db()
    assert attendance(job, now).before == 0, "a more urgent one is come to first"


def test_the_worker_of_a_dead_one_is_on_its_way(job):
    alive()
    take(job, now=timezone.now() - timedelta(minutes=1))
    assert attendance(job).waits_for() == "Its worker has died. The next one is rung for within a minute."


def test_a_job_at_its_end_waits_for_nobody(job):
    work(job.pk)
    assert attendance(job).waits_for() == ""


def test_however_many_slices_and_items_the_questions_are_as_many(job, django_assert_num_queries):
    for _ in range(3):
        depart(job, take(job))
    ring(job.pk)
    job.refresh_from_db()
    # Slices, clusters, jobs before it.
    with django_assert_num_queries(3):
        attendance_of(job, timezone.now())


def test_the_command_says_it_in_json(job, run):  # noqa: F811 - the fixture
    work(job.pk)
    found = json.loads(run("job_status", str(job.pk), "--json").stdout)["at_work"]
    assert found["worker"] is None and found["waits_for"] == ""
    assert [(one["end"], one["ended_items"]) for one in found["slices"]] == [("done", 20)]


def test_slices_go_with_their_job(job):
    depart(job, take(job))
    job.delete()
    assert not JobSlice.objects.exists()
