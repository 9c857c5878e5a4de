"""Identical rows of one job are asked once."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from aiops.calls.models import Call
from aiops.gateway.testing import Answer, Refusal
from aiops.jobs.control import resume, retry_failed
from aiops.jobs.duplicates import Firsts
from aiops.jobs.inputs import Inputs
from aiops.jobs.models import Job
from aiops.jobs.outcomes import results_of
from aiops.jobs.progress import progress_of
from aiops.jobs.quote import quote
from aiops.jobs.sources import FileSource
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from prompts.models import Prompt

pytestmark = pytest.mark.usefixtures("budget", "provider")


def table(*texts):
    """A file with a text in each row, and a note of its own that no prompt reads."""
    lines = [f"{text},{number}" for number, text in enumerate(texts)]
    return FileSource(io.BytesIO("\n".join(["text,note", *lines, ""]).encode()), name="rows.csv")


def ends(job):
    job.refresh_from_db()
    return list(job.items.order_by("position").values_list("position", "same_as", "status", "error_kind"))


def everything(job):
    return list(results_of(job, readable=lambda items: [item.pk for item in items]))


def test_the_first_is_asked_and_the_others_have_its_answer(triage, provider):
    job = start_job(triage, table("lost", "stolen", "lost", "lost"))
    work(job.pk)
    assert ends(job) == [
        (1, None, "succeeded", ""),
        (2, None, "succeeded", ""),
        (3, 1, "succeeded", ""),
        (4, 1, "succeeded", ""),
    ]
    assert (job.status, job.duplicates) == (Job.Status.FINISHED, 2)
    assert len(provider.requests) == Call.objects.count() == 2
    first, _other, third, fourth = job.items.order_by("position")
    assert first.data == third.data == fourth.data
    assert first.call_id == third.call_id
    assert first.ended_at == third.ended_at


def test_what_is_the_same_is_what_the_version_reads(db, provider):
    version = Prompt.objects.create(name="both", title="Both").add_version(
        messages=[{"role": "user", "content": "{{ text }} {{ note }}"}], output_limit=50
    )
    job = start_job(version, table("lost", "lost"))
    work(job.pk)
    assert (job.duplicates, len(provider.requests)) == (0, 2)


def test_numbers_texts_and_truths_are_told_apart(db, provider):
    version = Prompt.objects.create(name="one", title="One").add_version(
        messages=[{"role": "user", "content": "{{ x }}"}], output_limit=50
    )
    source = FileSource(io.BytesIO(b'[{"x": 1}, {"x": "1"}, {"x": true}, {"x": 1}]'), name="rows.json")
    job = start_job(version, source)
    assert [same for _position, same, *_ in ends(job)] == [None, None, None, 1]


def test_where_the_first_fails_the_others_have_failed_too_and_are_tried_again_together(triage, provider):
    provider.when(lambda request: request.number == 1, Refusal("No."))
    job = start_job(triage, table("lost", "lost", "lost"))
    work(job.pk)
    assert [end[2:] for end in ends(job)] == [("failed", "refused")] * 3
    assert retry_failed(job).count == 3
    work(job.pk)
    assert [end[2] for end in ends(job)] == ["succeeded"] * 3
    assert len(provider.requests) == 2


def test_rows_that_cannot_be_rendered_fail_together(by_name, provider):
    source = FileSource(io.BytesIO(b'[{"who": {"name": "Ada"}}, {"who": {}}, {"who": {}}]'), name="rows.json")
    job = start_job(by_name, source)
    work(job.pk)
    assert [end[2] for end in ends(job)] == ["succeeded", "failed", "failed"]


@pytest.fixture
def by_name(db):
    prompt = Prompt.objects.create(name="names", title="Names")
    return prompt.add_version(messages=[{"role": "user", "content": "{{ who.name }}"}], output_limit=100)


def test_the_quote_counts_them_once(triage, provider):
    said = quote(triage, table("lost", "stolen", "lost", "lost"))
    assert (said.rows, said.unique_rows, said.asked) == (4, 2, 2)
    assert said.sentences()[0] == "4 rows of rows.csv, 2 unique: identical ones are asked once"
    assert said.cost == quote(triage, table("lost", "stolen")).cost


def test_results_charge_an_answer_to_the_row_that_was_asked(triage, provider):
    job = start_job(triage, table("lost", "lost"))
    work(job.pk)
    asked, like = everything(job)
    assert asked.data == like.data
    assert asked.cost > 0 and (like.cost, like.tokens_in, like.tokens_out) == (0, 0, 0)


def test_among_the_rows_that_are_tried_first_they_count_once(triage, provider):
    job = start_job(triage, table(*["lost"] * 9, "stolen"), try_first=2)
    assert job.tried_positions == [1, 6]
    assert work(job.pk) == 1
    job.refresh_from_db()
    assert job.status == Job.Status.PAUSED
    assert job.paused_because.startswith("9 rows were tried")
    resume(job)
    work(job.pk)
    job.refresh_from_db()
    assert (job.status, len(provider.requests)) == (Job.Status.FINISHED, 2)


def test_what_a_job_will_have_cost_is_reckoned_by_what_is_asked(triage, provider):
    job = start_job(triage, table(*["lost"] * 180, *(f"card {number}" for number in range(20))), try_first=10)
    work(job.pk)
    job.refresh_from_db()
    progress = progress_of(job, timezone.now())
    assert (progress.asked, progress.to_ask) == (2, 19)
    reckoned = progress.cost_at_end
    resume(job)
    work(job.pk)
    job.refresh_from_db()
    assert reckoned == pytest.approx(job.cost, rel=0.3)
    assert progress_of(job, timezone.now()).cost_at_end is None


def test_those_that_were_left_when_a_worker_died_end_with_the_next(triage, provider):
    job = start_job(triage, table(*["lost"] * 5))
    first = job.items.get(position=1)
    job.items.filter(pk=first.pk).update(status="succeeded", data={"category": "card", "priority": "low"})
    later = timezone.now() + timedelta(hours=1)
    assert job.needs_ring(later)
    work(job.pk)
    assert [end[2] for end in ends(job)] == ["succeeded"] * 5
    assert job.status == Job.Status.FINISHED
    assert job.items.get(position=5).data == {"category": "card", "priority": "low"}
    assert provider.requests == []


def test_beyond_what_is_remembered_they_are_asked_again(triage):
    firsts = Firsts(remembered=1)
    rows = [{"text": text} for text in ("lost", "stolen", "stolen", "lost")]
    digests = [Inputs(triage).digest(row) for row in rows]
    assert [firsts.of(digest, position) for position, digest in enumerate(digests, start=1)] == [None, None, None, 1]
    assert firsts.duplicates == 1


def test_a_stopped_job_leaves_them_pending_with_the_first(triage, provider):
    job = start_job(triage, table("lost", "lost"))
    job.pause("a look")
    work(job.pk)
    assert [end[2] for end in ends(job)] == ["pending"] * 2


def test_a_window_of_them_costs_a_few_statements_however_many_they_are(triage, provider):
    def statements(rows):
        job = start_job(triage, table(*["lost"] * rows))
        with CaptureQueriesContext(connection) as asked:
            work(job.pk)
        return len(asked)

    # The first of all compiles and prices what is kept.
    statements(2)
    assert statements(500) == statements(2)


def test_the_page_of_one_leads_to_the_row_that_was_asked_and_to_the_call(client, triage, provider):
    provider.when(lambda request: True, Answer(data={"category": "card", "priority": "low"}))
    job = start_job(triage, table("lost", "lost"))
    work(job.pk)
    client.force_login(User.objects.create_superuser("ada"))
    first, like = job.items.order_by("position")
    page = client.get(reverse("admin:aiops_item_change", args=[like.pk])).content.decode()
    assert reverse("admin:aiops_item_change", args=[first.pk]) in page
    assert "which is asked for both" in page
    assert reverse("admin:aiops_call_change", args=[first.call_id]) in page
    page = client.get(reverse("admin:aiops_job_change", args=[job.pk])).content.decode()
    assert "identical rows are asked once: 1 saved" in page
