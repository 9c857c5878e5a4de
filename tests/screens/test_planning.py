"""What is shown of a job whose rows are still being read, and what can be done about it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from aiops.jobs.models import Job
from tests.screens.rows import make_job, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(db):
    return make_version()


def page(job, name="change"):
    return reverse(f"admin:aiops_job_{name}", args=(job.pk,))


def text_of(client, address) -> str:
    return " ".join(client.get(address).content.decode().split())


def half(version, status, **fields):
    return make_job(version, status=status, pending=3, planned_at=None, source_rows=1_200, **fields)


def test_the_page_says_how_many_rows_are_read_and_no_total_that_nobody_knows(boss, version):
    html = text_of(boss, page(half(version, Job.Status.PLANNING)))
    assert "Its rows are being read: 3 so far, of about 1,200." in html
    assert 'max="1200" value="3"' in html and "0 of 3" not in html
    assert "data-aiops-live" in html and "aiops/live.js" in html


def test_a_stopped_one_does_not_look_like_a_whole_one(boss, version):
    job = half(version, Job.Status.STOPPED)
    html = text_of(boss, page(job))
    assert "It was stopped while its rows were being read: 3 so far." in html and "0 of 3" not in html
    assert page(job, "resume") in html
    assert page(job, "again") not in html and "results.csv" not in html
    assert "3 read" in text_of(boss, reverse("admin:aiops_job_changelist"))


def test_it_can_be_stopped_and_resumed(boss, version):
    job = half(version, Job.Status.PLANNING)
    answer = boss.post(page(job, "stop"), follow=True).content.decode()
    assert "The job is stopped while its rows were being read: nothing was asked, and “Resume” reads on." in answer
    boss.post(page(job, "resume"))
    job.refresh_from_db()
    assert (job.status, job.rung_at is not None) == (Job.Status.PLANNING, True)


@pytest.mark.parametrize("name", ["results_csv", "results_xlsx", "results_json"])
def test_its_results_are_not_given_out(boss, version, name):
    job = half(version, Job.Status.STOPPED)
    answer = boss.get(page(job, name), follow=True).content.decode()
    assert f"Not all rows of job {job.pk} have been read: let it read on first." in answer


def test_it_is_not_run_again(boss, version):
    job = half(version, Job.Status.STOPPED)
    chosen = {"step": "quote", "prompt": version.prompt.name, "version": "1", "which": "same", "connection": ""}
    answer = boss.post(page(job, "again"), chosen).content.decode()
    assert f"Not all rows of job {job.pk} have been read" in answer


def test_a_page_that_was_there_before_shows_the_first_rows_of_a_large_job(boss, version):
    job = half(version, Job.Status.PLANNING)
    told = boss.get(page(job, "progress")).json()
    assert (told["live"], told["planned"], told["total"], told["source_rows"]) == (True, False, 3, 1_200)
    assert "3 so far, of about 1,200" in told["html"]
