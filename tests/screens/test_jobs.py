"""The pages of jobs, as people see and use them."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ
from openpyxl import load_workbook

from aiops.calls.models import Call
from aiops.jobs.counting import recount
from aiops.jobs.models import Item, Job, Priority
from aiops.jobs.progress import progress_of
from tests.screens.rows import make_call, make_job, make_version

LIST = "/admin/aiops/job/"


def page_of(job: Job, name: str = "change") -> str:
    return reverse(f"admin:aiops_job_{name}", args=(job.pk,))


def text_of(client, job: Job) -> str:
    return " ".join(client.get(page_of(job)).content.decode().split())


def test_the_list_says_what_to_do_while_it_is_empty(boss):
    html = boss.get(LIST).content.decode()
    assert "No job yet" in html and "Run a prompt on selected…" in html


def test_the_list_shows_how_far_each_job_is(boss, version):
    make_job(version, succeeded=3, failed=2, claimed=1, pending=4)
    make_job(version, status=Job.Status.PAUSED, pending=1200)
    make_job(version, status=Job.Status.FINISHED, succeeded=2, unknown_costs=1)
    html = boss.get(LIST).content.decode()
    assert "5 of 10" in html and "2 failed" in html
    assert "0 of 1,200" in html
    assert "2 of 2" in html
    assert "$0.00010 + 1 unknown" in html


def test_the_list_asks_about_all_items_at_once(boss, version, django_assert_num_queries):
    make_job(version, succeeded=1)
    boss.get(LIST)
    for _ in range(4):
        make_job(make_version(), succeeded=2, failed=1, pending=1, user=boss.user)
    # Session, user, count, jobs, ends of them all, rows under way, versions of the filter, notices of the person.
    with django_assert_num_queries(9):
        boss.get(LIST)


def test_the_page_of_a_job_says_how_it_goes(boss, version, django_assert_num_queries):
    job = make_job(version, succeeded=6, failed=2, claimed=1, pending=1, user=boss.user)
    page_of(job)
    # Session, user, job, counts, errors, speed, slices, clusters, failing, newest, the calls of both.
    with django_assert_num_queries(12):
        html = text_of(boss, job)
    assert "8 of 10, 80 %" in html
    assert "$0.00030 so far" in html and "about $0.00038 at the end" in html
    assert f'href="/admin/aiops/item/?job={job.pk}&amp;status=failed&amp;error_kind=cut_off">2</a>' in html
    # In any order: PostgreSQL keeps that of an object's keys to itself.
    for part in ("category refund", "priority high", "items [1, 2]"):
        assert part in html
    assert "The answer was cut off at 1,024 tokens." in html
    assert "1,234 / 25" in html
    assert '<meta http-equiv="refresh" content="3">' in html and "aiops/live.js" in html


def test_a_big_job_takes_no_more_queries(boss, version, django_assert_num_queries):
    job = make_job(version, succeeded=300, failed=120, pending=300)
    boss.get(page_of(job))
    with django_assert_num_queries(12):
        html = text_of(boss, job)
    assert html.count("The answer was cut off") == 20


@pytest.mark.parametrize("status", [Job.Status.FINISHED, Job.Status.STOPPED, Job.Status.PAUSED])
def test_a_job_that_stands_still_is_not_asked_about_again(boss, version, status):
    job = make_job(version, status=status, succeeded=1, pending=1, paused_because="The account has no credit left.")
    html = text_of(boss, job)
    assert "live.js" not in html and "http-equiv" not in html
    assert "The account has no credit left." in html


def test_what_the_page_asks_for_is_what_it_shows(boss, version):
    job = make_job(version, succeeded=6, failed=2, claimed=1, pending=1)
    answer = boss.get(page_of(job, "progress"))
    progress = answer.json()
    assert "no-store" in answer.headers["Cache-Control"]
    page = boss.get(page_of(job)).content.decode()
    assert progress.pop("html").strip() in page
    assert progress.pop("rows").strip() in page
    assert progress.pop("rate") > 0 and progress.pop("seconds_left") > 0
    assert progress.pop("at_work")["waits_for"] in page
    assert progress == {
        "job": job.pk,
        "status": "running",
        "live": True,
        "counts": {"pending": 1, "claimed": 1, "succeeded": 6, "failed": 2},
        "total": 10,
        "planned": True,
        "source_rows": None,
        "done": 8,
        "percent": 80,
        "errors": {"cut_off": 2},
        "tokens_in": 1800,
        "tokens_out": 120,
        "cost": 300_000,
        "unknown_costs": 0,
        "cost_at_end": 375_000,
        "batches": [],
    }


def test_the_page_is_up_to_date_after_a_reload(boss, version):
    job = make_job(version, succeeded=2, pending=2)
    before = text_of(boss, job)
    assert before.count("2 of 4, 50 %") == 1
    job.items.filter(position=3).update(status=Item.Status.SUCCEEDED)
    recount(job)
    assert text_of(boss, job).count("3 of 4, 75 %") == 1


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (Job.Status.PLANNING, {"stop"}),
        (Job.Status.RUNNING, {"stop", "retry"}),
        (Job.Status.PAUSED, {"stop", "resume", "retry"}),
        (Job.Status.STOPPED, {"resume", "retry"}),
        (Job.Status.FINISHED, {"retry"}),
    ],
)
def test_only_buttons_that_make_sense_are_shown(boss, version, status, shown):
    job = make_job(version, status=status, failed=1)
    html = text_of(boss, job)
    assert {name for name in ("stop", "resume", "retry") if f'action="{page_of(job, name)}"' in html} == shown


def test_without_the_permission_there_are_no_buttons(sign_in, version):
    job = make_job(version, failed=1, pending=1)
    assert "/stop/" not in text_of(sign_in("aiops.view_job"), job)
    assert "/stop/" in text_of(sign_in("aiops.view_job", "aiops.run_job"), job)


def test_stop_and_resume(sign_in, version):
    client = sign_in("aiops.view_job", "aiops.run_job")
    job = make_job(version, pending=2)
    answer = client.post(page_of(job, "stop"), follow=True)
    job.refresh_from_db()
    assert job.status == Job.Status.STOPPED
    assert "The job is stopped" in answer.content.decode()
    client.post(page_of(job, "resume"))
    job.refresh_from_db()
    assert job.status == Job.Status.RUNNING
    assert OrmQ.objects.count() == 1


def test_stopping_now_is_asked_about_first(sign_in, version):
    client = sign_in("aiops.view_job", "aiops.run_job")
    job = make_job(version, claimed=2, pending=2)
    for item in job.items.filter(status=Item.Status.CLAIMED):
        make_call(version, status=Call.Status.SENDING, job_id=job.pk, item_id=item.pk)
    assert f'<a class="button" href="{page_of(job, "stop_now")}">Stop now…</a>' in text_of(client, job)
    asked = client.get(page_of(job, "stop_now")).content.decode()
    assert "About 2 calls are under way: their answers are paid for and thrown away." in asked
    job.refresh_from_db()
    assert job.status == Job.Status.RUNNING
    answer = client.post(page_of(job, "stop_now"), follow=True)
    assert "The job is stopped now: calls that were under way are given up" in answer.content.decode()
    job.refresh_from_db()
    assert (job.status, job.stopped_now) == (Job.Status.STOPPED, True)


@pytest.mark.parametrize(
    ("status", "claimed", "stopped_now", "shown"),
    [
        (Job.Status.RUNNING, 0, False, True),
        (Job.Status.PAUSED, 1, False, True),
        (Job.Status.STOPPED, 1, False, True),
        (Job.Status.STOPPED, 1, True, False),
        (Job.Status.STOPPED, 0, False, False),
        (Job.Status.PLANNING, 0, False, False),
        (Job.Status.FINISHED, 0, False, False),
    ],
)
def test_stopping_now_is_offered_where_calls_may_be_under_way(boss, version, status, claimed, stopped_now, shown):
    job = make_job(version, status=status, claimed=claimed, stopped_now=stopped_now)
    assert (page_of(job, "stop_now") in text_of(boss, job)) == shown


def test_how_urgent_a_job_is_can_be_changed_on_its_page(sign_in, version):
    client = sign_in("aiops.view_job", "aiops.run_job")
    job = make_job(version, pending=2)
    html = text_of(client, job)
    assert "make it high" in html and "make it low" in html and "make it normal" not in html
    answer = client.post(page_of(job, "priority_high"), follow=True)
    assert "The priority of the job is high." in answer.content.decode()
    job.refresh_from_db()
    assert job.priority == Priority.HIGH
    assert "make it" not in text_of(sign_in("aiops.view_job"), job)
    assert "make it" not in text_of(client, make_job(version, status=Job.Status.FINISHED, succeeded=1))


def test_a_job_that_is_slowed_down_says_so(boss, version):
    assert "slowed down to 8 calls at a time" in text_of(boss, make_job(version, pending=2, slots=8))
    assert "slowed down" not in text_of(boss, make_job(version, pending=2))
    assert "slowed down" not in text_of(boss, make_job(version, status=Job.Status.PAUSED, pending=2, slots=8))


def test_retry_gives_failed_rows_back_and_wakes_a_worker(sign_in, version):
    client = sign_in("aiops.view_job", "aiops.run_job")
    job = make_job(version, status=Job.Status.FINISHED, succeeded=1, failed=3)
    answer = client.post(page_of(job, "retry"), follow=True)
    assert "3 failed rows are tried again." in answer.content.decode()
    job.refresh_from_db()
    assert job.status == Job.Status.RUNNING
    assert job.items.filter(status=Item.Status.PENDING).count() == 3
    assert OrmQ.objects.count() == 1


def test_what_cannot_be_done_is_said_and_not_done(boss, version):
    job = make_job(version, status=Job.Status.FINISHED, succeeded=1)
    answer = boss.post(page_of(job, "stop"), follow=True)
    assert "The job is finished" in answer.content.decode()
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED
    assert OrmQ.objects.count() == 0


def test_a_doorbell_that_is_not_there_is_said_and_the_job_stays_as_it_is(boss, version, settings):
    settings.AIOPS = settings.AIOPS | {"DOORBELL": "shop.bells.Loud"}
    for name, status in (("resume", Job.Status.STOPPED), ("retry", Job.Status.FINISHED)):
        job = make_job(version, status=status, failed=1)
        answer = boss.post(page_of(job, name), follow=True)
        assert "which is no class that can be made" in answer.content.decode()
        job.refresh_from_db()
        assert job.status == status and job.items.failed().count() == 1


def test_results_as_csv(boss, version):
    job = make_job(version, status=Job.Status.FINISHED, succeeded=2, failed=1)
    answer = boss.get(page_of(job, "results_csv"))
    assert answer.headers["Content-Disposition"] == f'attachment; filename="triage-ticket-{job.pk}.csv"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert [row["status"] for row in rows] == ["succeeded", "succeeded", "failed"]
    assert rows[0]["cost"] == "0.000412000" and rows[0]["tokens_in"] == "1234"
    assert json.loads(rows[0]["answer"])["category"] == "refund"


def test_results_as_json_and_workbook(boss, version):
    job = make_job(version, status=Job.Status.FINISHED, succeeded=1, failed=1)
    found = json.loads(b"".join(boss.get(page_of(job, "results_json")).streaming_content))
    assert [row["data"] for row in found] == [{"category": "refund", "priority": "high", "items": [1, 2]}, None]
    book = load_workbook(io.BytesIO(b"".join(boss.get(page_of(job, "results_xlsx")).streaming_content)))
    assert book.active.max_row == 3


def test_an_answer_too_long_for_a_workbook_is_told_on_the_page(boss, version):
    job = make_job(version, status=Job.Status.FINISHED, succeeded=1)
    job.items.update(data={"category": "x" * 40_000})
    answer = boss.get(page_of(job, "results_xlsx"), follow=True)
    assert "Excel keeps 32,767" in answer.content.decode()


def test_results_of_more_rows_than_one_query_takes(boss, version):
    job = make_job(version, status=Job.Status.RUNNING, pending=2_345)
    lines = b"".join(boss.get(page_of(job, "results_csv")).streaming_content).decode().splitlines()
    assert len(lines) == 1 + 2_345
    assert lines[-1].startswith('"2345",')


class TestProgress:
    def test_the_speed_of_late_is_that_of_the_calls_begun(self, version):
        job = make_job(version, succeeded=60, pending=60)
        now = timezone.now()
        assert progress_of(job, now).rate == pytest.approx(2.0)
        assert progress_of(job, now).seconds_left == pytest.approx(30.0)

    def test_a_job_that_has_come_to_a_halt_promises_nothing(self, version):
        later = timezone.now() + timedelta(minutes=5)
        progress = progress_of(make_job(version, succeeded=10, pending=10), later)
        assert (progress.rate, progress.seconds_left) == (None, None)

    def test_a_young_job_is_measured_from_its_start(self, version):
        now = timezone.now()
        job = make_job(version, succeeded=10, pending=10)
        job.started_at = now - timedelta(seconds=5)
        assert progress_of(job, now).rate == pytest.approx(2.0)

    def test_nothing_is_foretold_from_costs_that_are_unknown(self, version):
        job = make_job(version, succeeded=1, pending=1, unknown_costs=1)
        assert progress_of(job, timezone.now()).cost_at_end is None

    def test_a_job_without_items(self, version):
        progress = progress_of(make_job(version, status=Job.Status.PLANNING), timezone.now())
        assert (progress.total, progress.percent, progress.rate, progress.cost_at_end) == (0, 0, None, None)

    def test_one_row_less_than_all_is_not_a_hundred_percent(self, version):
        assert progress_of(make_job(version, succeeded=999, pending=1), timezone.now()).percent == 99


@pytest.mark.parametrize(("waits_for", "watched"), [(1_000, True), (None, False)])
def test_a_page_of_a_job_before_the_wall_is_kept_up_to_date(boss, version, waits_for, watched):
    because = "The budget “Everything” has $0.00 left."
    job = make_job(version, status=Job.Status.PAUSED, pending=1, paused_because=because, waits_for=waits_for)
    html = boss.get(reverse("admin:aiops_job_change", args=(job.pk,))).content.decode()
    assert ("live.js" in html, "the job goes on by itself" in html) == (watched, watched)
    assert boss.get(reverse("admin:aiops_job_progress", args=(job.pk,))).json()["live"] is watched
