"""Where a job stops by itself, so that people look before more is paid for."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection

from aiops.calls.models import Call
from aiops.gateway.testing import Answer, Refusal
from aiops.jobs.control import resume, retry_failed
from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Job
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import sweep, work
from project.helpdesk.models import Ticket

pytestmark = [pytest.mark.usefixtures("budget", "provider")]


@pytest.fixture
def hundred(db):
    """Tickets whose texts get longer and longer."""
    Ticket.objects.bulk_create(Ticket(subject=f"{n}", text=f"Ticket {n} " + "word " * n) for n in range(1, 101))
    return model_source("helpdesk.Ticket", order="pk")


def ended(job):
    job.refresh_from_db()
    return job.items.exclude(status="pending").order_by("position")


class TestTryingSomeFirst:
    def test_so_many_from_all_over_the_source_and_then_it_asks(self, triage, hundred):
        job = start_job(triage, hundred, try_first=5)
        assert work(job.pk) == 5
        assert [item.position for item in ended(job)] == [1, 21, 41, 61, 81]
        assert job.status == Job.Status.PAUSED
        assert job.paused_because.startswith("5 rows were tried for $0.0")
        assert "0 failed. The other 95 would cost between $" in job.paused_because
        assert job.paused_because.endswith("Look at the answers, then resume.")

    def test_nothing_goes_on_before_somebody_says_so(self, triage, hundred):
        job = start_job(triage, hundred, try_first=5)
        work(job.pk)
        sweep()
        assert work(job.pk) == 0
        assert ended(job).count() == 5

    def test_then_the_others_are_asked_and_those_not_again(self, triage, hundred, provider):
        job = start_job(triage, hundred, try_first=5)
        work(job.pk)
        job.refresh_from_db()
        resume(job)
        work(job.pk)
        job.refresh_from_db()
        assert (job.status, job.trying) == (Job.Status.FINISHED, False)
        assert len(provider.requests) == Call.objects.count() == 100

    def test_what_it_said_of_the_rest_holds(self, triage, hundred):
        job = start_job(triage, hundred, try_first=20)
        work(job.pk)
        job.refresh_from_db()
        said, tried = job.paused_because, job.cost
        resume(job)
        work(job.pk)
        job.refresh_from_db()
        low, high = (float(part.split()[0].rstrip(",")) for part in said.split("$")[2:4])
        # As exactly as two digits can tell.
        assert low * 0.95 <= (job.cost - tried) / 10**9 <= high * 1.05
        # Of rows that differ a hundredfold.
        assert high < 2 * low

    def test_a_job_with_fewer_rows_asks_them_all(self, triage, hundred):
        job = start_job(triage, model_source("helpdesk.Ticket", limit=3), try_first=5)
        assert work(job.pk) == 3
        job.refresh_from_db()
        assert (job.status, job.trying) == (Job.Status.FINISHED, False)

    def test_a_pause_in_between_leaves_the_rest_of_them_to_be_tried(self, triage, hundred):
        job = start_job(triage, hundred, try_first=5)
        job.pause("a look")
        resume(job)
        assert job.trying
        assert work(job.pk) == 5
        job.refresh_from_db()
        assert job.status == Job.Status.PAUSED

    def test_a_pause_while_the_last_of_them_are_under_way_does_not_skip_what_the_rest_costs(
        self, transactional_db, triage, hundred, provider
    ):
        provider.when(lambda request: True, lambda request: Answer(delay=1.0))
        job = start_job(triage, hundred, try_first=3)

        def look():
            while len(provider.requests) < 3:
                time.sleep(0.01)
            Job.objects.get().pause("a look")
            connection.close()

        looking = threading.Thread(target=look)
        looking.start()
        work(job.pk)
        looking.join()
        job.refresh_from_db()
        assert (job.paused_because, ended(job).count()) == ("a look", 3)
        resume(job)
        assert work(job.pk) == 0
        job.refresh_from_db()
        assert job.status == Job.Status.PAUSED
        assert job.paused_because.startswith("3 rows were tried")

    @pytest.mark.parametrize(
        "bounds",
        [{"try_first": -1}, {"try_first": 1001}, {"most_failed_percent": 100}, {"most_failures": 0}, {"most_cost": 0}],
    )
    def test_a_bound_that_makes_no_sense_is_refused(self, triage, hundred, bounds):
        with pytest.raises(JobRefused, match="or leave it out"):
            start_job(triage, hundred, **bounds)
        assert not Job.objects.exists()

    def test_what_failed_among_them_is_tried_again_with_the_rest(self, triage, hundred, provider):
        provider.when(lambda request: "Ticket 21 " in request.text and request.number <= 5, Refusal("No."))
        job = start_job(triage, hundred, try_first=5)
        work(job.pk)
        job.refresh_from_db()
        assert "1 failed" in job.paused_because
        assert retry_failed(job).waiting
        resume(job)
        assert work(job.pk) == 96

    def test_where_a_cost_is_unknown_so_is_that_of_the_rest(self, triage, hundred):
        job = start_job(triage, hundred, try_first=5)
        work(job.pk)
        Call.objects.filter(job_id=job.pk).update(cost=None)
        Job.objects.filter(pk=job.pk).update(status=Job.Status.RUNNING, trying=True)
        work(job.pk)
        job.refresh_from_db()
        assert "What the other 95 would cost is unknown." in job.paused_because


class TestAShareOfFailures:
    @pytest.fixture
    def careful(self, triage, hundred, settings):
        default = {**settings.AIOPS["CONNECTIONS"]["default"], "MAX_IN_FLIGHT": 1}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}
        return start_job(triage, hundred, most_failed_percent=30)

    def test_above_it_a_job_is_paused_and_says_how_many_failed(self, careful, provider):
        provider.when(lambda request: request.number % 2 == 0, Refusal("No."))
        work(careful.pk)
        careful.refresh_from_db()
        assert careful.status == Job.Status.PAUSED
        assert 20 <= careful.ended_lately < 40
        assert careful.paused_because.startswith(
            f"{careful.failed_lately} of the last {careful.ended_lately} rows failed, the latest by “refused”."
        )

    def test_a_job_that_is_over_is_not_paused(self, careful, triage, provider):
        provider.when(lambda request: True, Refusal("No."))
        job = start_job(triage, model_source("helpdesk.Ticket", limit=20), most_failed_percent=30)
        work(job.pk)
        job.refresh_from_db()
        assert (job.status, job.failed_lately) == (Job.Status.FINISHED, 20)

    def test_below_it_a_job_goes_on(self, careful, provider):
        provider.when(lambda request: request.number % 4 == 0, Refusal("No."))
        work(careful.pk)
        careful.refresh_from_db()
        assert (careful.status, careful.failed_lately) == (Job.Status.FINISHED, 25)

    def test_a_few_rows_say_nothing(self, careful, provider):
        provider.when(lambda request: request.number <= 5, Refusal("No."))
        work(careful.pk)
        careful.refresh_from_db()
        assert careful.status == Job.Status.FINISHED

    def test_whoever_resumes_it_begins_a_new_count(self, careful, provider):
        provider.when(lambda request: request.number <= 20, Refusal("No."))
        work(careful.pk)
        careful.refresh_from_db()
        assert careful.status == Job.Status.PAUSED
        resume(careful)
        assert (careful.ended_lately, careful.failed_lately) == (0, 0)
        work(careful.pk)
        careful.refresh_from_db()
        assert careful.status == Job.Status.FINISHED
