"""The pages of batches: what lies with providers, and having it looked at now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from aiops.jobs.models import Batch, Job
from tests.screens.rows import make_batch, make_job

LIST = "/admin/aiops/batch/"


@pytest.fixture
def job(version):
    return make_job(version, claimed=3, pending=2, transport=Job.Transport.BATCH)


def page_of(batch: Batch, name: str = "change") -> str:
    return reverse(f"admin:aiops_batch_{name}", args=(batch.pk,))


def text_of(client, url: str) -> str:
    return " ".join(client.get(url).content.decode().split())


def test_the_list_says_what_a_batch_is_while_there_is_none(boss):
    assert "No batch yet." in text_of(boss, LIST)


def test_the_list_tells_of_each_batch_what_is_known(boss, job):
    make_batch(job, provider_id="batch_7", cost=5_000_000, unknown_costs=2)
    html = text_of(boss, LIST)
    for part in ("batch_7", "under way", "1,000", "403", "1 h ago", "expires", "$0.0050 + 2 unknown"):
        assert part in html
    assert reverse("admin:aiops_job_change", args=(job.pk,)) in html


def test_the_list_is_filtered_by_state_connection_and_job(boss, job, version):
    make_batch(job, provider_id="batch_open")
    make_batch(job, provider_id="batch_over", status=Batch.Status.COMPLETED, connection="azure")
    make_batch(make_job(version, pending=1), provider_id="batch_of_another")
    asked = text_of(boss, f"{LIST}?status=completed")
    assert "batch_over" in asked and "batch_open" not in asked
    asked = text_of(boss, f"{LIST}?connection=azure")
    assert "batch_over" in asked and "batch_open" not in asked
    assert "batch_of_another" not in text_of(boss, f"{LIST}?job={job.pk}")


def test_many_batches_take_as_many_queries_as_few(boss, job, version, django_assert_num_queries):
    make_batch(job)
    boss.get(LIST)
    for _ in range(60):
        make_batch(job)
    # Session, user, jobs of the filter, count, batches with their jobs, whether calls are stopped.
    with django_assert_num_queries(6):
        html = text_of(boss, LIST)
    assert html.count("batch_") >= 50


def test_its_page_leads_to_its_job_and_the_job_leads_to_it(boss, job):
    batch = make_batch(job, error="The server was away.")
    html = text_of(boss, page_of(batch))
    assert f"Batch {batch.pk} of job {job.pk}" in html and "The server was away." in html
    assert reverse("admin:aiops_job_change", args=(job.pk,)) in html
    assert page_of(batch) in text_of(boss, reverse("admin:aiops_job_change", args=(job.pk,)))


def test_look_now_has_it_looked_at_and_rings_once(boss, job):
    batch = make_batch(job)
    for _ in range(2):
        boss.post(page_of(batch, "look"))
    batch.refresh_from_db()
    assert batch.look_at <= timezone.now()
    assert OrmQ.objects.count() == 1


def test_one_that_is_over_is_not_looked_at(boss, job):
    batch = make_batch(job, status=Batch.Status.COMPLETED, ended_at=timezone.now())
    assert "Look now" not in text_of(boss, page_of(batch))
    answer = boss.post(page_of(batch, "look"), follow=True)
    assert "it is over" in answer.content.decode()
    assert OrmQ.objects.count() == 0


def test_to_cancel_it_stops_its_job(boss, job):
    batch = make_batch(job)
    answer = boss.post(page_of(batch, "cancel"), follow=True)
    assert "its batches are cancelled" in answer.content.decode()
    job.refresh_from_db()
    assert job.status == Job.Status.STOPPED
    again = boss.post(page_of(batch, "cancel"), follow=True)
    assert "cannot become stopped" in again.content.decode()


def test_whoever_only_looks_has_no_buttons(sign_in, job):
    batch = make_batch(job)
    html = text_of(sign_in("aiops.view_job"), page_of(batch))
    assert "Look now" not in html and "stop its job" not in html


def test_an_hour_hence_is_shown_as_when_it_expires(boss, job):
    batch = make_batch(job, expires_at=timezone.now() + timedelta(hours=5))
    assert "expires" in text_of(boss, page_of(batch))
