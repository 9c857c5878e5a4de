"""`job_status`: the table, one job, and what can be done to it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import struct
import sys
import termios
import threading
from datetime import timedelta

import pytest
from django.core.management.base import OutputWrapper
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from aiops.gateway.testing import Status
from aiops.jobs.models import Item, Job, Priority
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.management.following import follow
from project.helpdesk.models import Ticket

pytestmark = pytest.mark.usefixtures("provider")


@pytest.fixture
def job(triage, tickets):
    """Twenty tickets, nobody at work on them yet."""
    return start_job(triage, model_source("helpdesk.Ticket"))


@pytest.fixture
def half_failed(job, provider):
    """A job that has ended: three rows failed, for two reasons."""
    provider.when(lambda request: request.text.endswith("number 7?"), Status(400), times=1)
    provider.when(lambda request: request.text.endswith("number 1?"), "no JSON", times=1)
    work(job.pk)
    job.refresh_from_db()
    return job


def started(job):
    return job.started_at.isoformat(" ", "seconds")


def test_without_a_number_the_latest_jobs_are_in_a_table(run, triage, half_failed):
    second = start_job(triage, model_source("helpdesk.Ticket", limit=1))
    ran = run("job_status")
    assert (ran.code, ran.stderr) == (0, "")
    one, two = str(half_failed.pk), str(second.pk)
    width = max(len(one), len(two), 3)
    assert ran.stdout == (
        f"{'job':>{width}}  status     done  failed      cost  what\n"
        f"{two:>{width}}  running     0/1       0     $0.00  triage-ticket v1 on 1 row of helpdesk.Ticket\n"
        f"{one:>{width}}  finished  20/20       3  $0.00035  triage-ticket v1 on 20 rows of helpdesk.Ticket\n"
    )


def test_the_table_is_twenty_jobs_long_at_most(run, triage):
    Ticket.objects.create(subject="One", text="One")
    for _ in range(21):
        start_job(triage, model_source("helpdesk.Ticket"))
    assert len(run("job_status").stdout.splitlines()) == 21
    assert len(json.loads(run("job_status", "--json").stdout)) == 20


def test_where_there_is_no_job_it_is_said_how_to_start_one(run, transactional_db):
    ran = run("job_status")
    assert (ran.code, ran.stdout) == (0, "There is no job yet: start one with manage.py run_job.\n")
    assert json.loads(run("job_status", "--json").stdout) == []


def test_a_job_is_told_with_its_errors_by_reason(run, half_failed, provider):
    ran = run("job_status", half_failed.pk)
    took = round((half_failed.ended_at - half_failed.started_at).total_seconds())
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == (
        f"Job {half_failed.pk} is finished: triage-ticket v1 on 20 rows of helpdesk.Ticket, "
        "asked of gpt-6-luna over default\n"
        "20 rows: 17 succeeded, 3 failed\n"
        "  2 schema\n"
        "  1 bad_request\n"
        f"{provider.totals.prompt_tokens:,} tokens in, {provider.totals.completion_tokens:,} out, $0.00035\n"
        f"started {started(half_failed)}, took {took} s\n"
        f"3 rows failed; try again with: manage.py job_status {half_failed.pk} --retry-failed\n"
    )


def test_costs_that_nobody_knows_are_counted_and_never_zero(run, job, provider):
    job.items.filter(position__gt=1).delete()
    provider.reply_with({"category": "card"})
    work(job.pk)
    Job.objects.update(unknown_costs=1, cost=0)
    assert "out, $0.00 and 1 call of unknown cost\n" in run("job_status", job.pk).stdout


def test_a_job_that_runs_is_told_with_what_is_left(run, job):
    ran = run("job_status", job.pk)
    assert ran.stdout == (
        f"Job {job.pk} is running: triage-ticket v1 on 20 rows of helpdesk.Ticket, asked of gpt-6-luna over default\n"
        "20 rows: 0 succeeded, 0 failed, 20 left\n"
        "0 tokens in, 0 out, $0.00\n"
        f"started {started(job)}\n"
        f"Follow it with: manage.py job_status {job.pk} --follow\n"
    )


def test_stop_resume_and_finish(run, job, provider):
    stopped = run("job_status", job.pk, "--stop")
    assert stopped.code == 0
    assert stopped.stdout.splitlines()[-1] == (
        f"The job is stopped, 20 rows left; let it go on with: manage.py job_status {job.pk} --resume"
    )
    assert not Job.objects.get().stopped_now
    work(job.pk)
    assert provider.requests == []

    OrmQ.objects.all().delete()
    assert run("job_status", job.pk, "--resume").stdout.startswith(f"Job {job.pk} is running:")
    # Somebody must hear that it goes on.
    assert OrmQ.objects.count() == 1
    work(job.pk)
    assert run("job_status", job.pk).stdout.splitlines()[1] == "20 rows: 20 succeeded, 0 failed"


def test_failed_rows_are_tried_again_all_of_them(run, half_failed, provider):
    OrmQ.objects.all().delete()
    ran = run("job_status", half_failed.pk, "--retry-failed")
    assert ran.stdout.splitlines()[1] == "20 rows: 17 succeeded, 0 failed, 3 left"
    assert OrmQ.objects.count() == 1
    work(half_failed.pk)
    assert Item.objects.filter(status="succeeded").count() == 20
    assert len(provider.requests) == 21  # Two rows are the same.


def test_failed_rows_are_tried_again_by_reason(run, half_failed):
    ran = run("job_status", half_failed.pk, "--retry-failed", "schema")
    assert ran.stdout.splitlines()[1:3] == ["20 rows: 17 succeeded, 1 failed, 2 left", "  1 bad_request"]


def test_an_action_can_be_followed(run, half_failed, worker):
    ran = run("job_status", half_failed.pk, "--retry-failed", "--follow")
    assert ran.code == 0
    assert ran.stdout.splitlines()[1] == "20 rows: 20 succeeded, 0 failed"


def test_json_is_one_object(run, half_failed):
    found = json.loads(run("job_status", half_failed.pk, "--json").stdout)
    assert (found["job"], found["status"]) == (half_failed.pk, "finished")
    assert found["errors"] == {"schema": 2, "bad_request": 1}


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        (("--resume",), "The job is finished: it cannot become running."),
        (("--stop",), "The job is finished: it cannot become stopped."),
        (("--retry-failed", "refused"), "No row of job {job} failed for “refused”: there is bad_request, schema."),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(run, half_failed, action, sentence):
    before = list(Item.objects.values()), Job.objects.values().get()
    ran = run("job_status", half_failed.pk, *action)
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr == f"CommandError: {sentence.format(job=half_failed.pk)}\n"
    assert (list(Item.objects.values()), Job.objects.values().get()) == before


def test_there_is_nothing_to_retry_where_nothing_failed(run, job):
    ran = run("job_status", job.pk, "--retry-failed")
    assert ran.code == 2
    assert ran.stderr == f"CommandError: No row of job {job.pk} has failed: there is nothing to try again.\n"


def test_a_job_that_is_not_there(run, transactional_db):
    ran = run("job_status", 12)
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr == "CommandError: There is no job yet: start one with manage.py run_job.\n"


def test_a_job_that_is_not_there_beside_others(run, job):
    ran = run("job_status", job.pk + 1)
    assert ran.code == 2
    assert ran.stderr == (
        f"CommandError: There is no job {job.pk + 1}; the latest is {job.pk}: see manage.py job_status.\n"
    )


def test_stop_now_gives_up_what_is_in_flight(run, job):
    stopped = run("job_status", job.pk, "--stop", "--now")
    assert (stopped.code, stopped.stderr) == (0, "")
    assert Job.objects.values_list("status", "stopped_now").get() == ("stopped", True)


def test_how_urgent_a_job_is_can_be_changed(run, job):
    assert run("job_status", job.pk, "--priority", "high").code == 0
    assert Job.objects.get().priority == Priority.HIGH
    assert run("job_status", job.pk, "--priority", "urgent").code == 2


def test_now_alone_is_refused(run, job):
    ran = run("job_status", job.pk, "--now")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr == f"CommandError: --now is about --stop: manage.py job_status {job.pk} --stop --now\n"
    assert Job.objects.get().status == Job.Status.RUNNING


@pytest.mark.parametrize("action", ["--stop", "--resume", "--retry-failed", "--follow"])
def test_an_action_without_a_job_is_refused(run, job, action):
    ran = run("job_status", action)
    assert ran.code == 2
    assert ran.stderr == "CommandError: Name the job first, as in: manage.py job_status 7 --follow\n"


@pytest.mark.parametrize("number", ["seven", "0", "-3", "9" * 30])
def test_what_is_no_number_of_a_job_is_refused(run, transactional_db, number):
    ran = run("job_status", number)
    assert (ran.code, ran.stdout) == (2, "")
    assert "Traceback" not in ran.stderr


def test_a_job_that_is_deleted_while_it_is_watched(run, job):
    timer = threading.Timer(1.5, _delete_all_jobs)
    timer.start()
    ran = run("job_status", job.pk, "--follow")
    timer.join()
    assert ran.code == 2
    assert ran.stderr.splitlines()[-1] == f"CommandError: Job {job.pk} was deleted meanwhile."


def _delete_all_jobs():
    Job.objects.all().delete()
    connection.close()


def test_what_is_in_flight_when_a_job_is_stopped_is_waited_for(run, job):
    Item.objects.filter(position=1).update(
        status="claimed", claims=1, lease_until=timezone.now() + timedelta(seconds=1.5)
    )
    job.stop(now=timezone.now())
    ran = run("job_status", job.pk, "--follow")
    assert ran.code == 1
    assert timezone.now() - job.ended_at >= timedelta(seconds=1)


def test_where_nobody_works_it_is_said_how_to_start_a_worker(job, capsys):
    threading.Timer(1.5, lambda: os.kill(os.getpid(), 2)).start()
    with pytest.raises(KeyboardInterrupt):
        follow(job, OutputWrapper(sys.stderr), patience=0.3)
    assert capsys.readouterr().err == (
        "0 of 20 rows, 0 % · $0.00\nNo worker takes the rows: start one with: manage.py work\n"
    )


def read_all(reader):
    """What was written to a terminal that is closed: Linux tells its end as an error."""
    pieces = []
    with contextlib.suppress(OSError):
        while piece := os.read(reader, 65536):
            pieces.append(piece)
    os.close(reader)
    return b"".join(pieces).decode()


@pytest.mark.parametrize("size", [(40, 100), (0, 0)], ids=["wide", "of no size"])
def test_on_a_terminal_there_is_a_bar(half_failed, size):
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    with os.fdopen(writer, "w") as terminal:
        follow(half_failed, OutputWrapper(terminal))
    drawn = read_all(reader)
    assert "100%|" in drawn
    assert "20/20 [" in drawn and "3 failed, $0.00035]" in drawn


def test_a_job_whose_rows_are_being_read_says_how_many(run, triage, tickets, settings):
    settings.AIOPS = settings.AIOPS | {"PLANNED_AT_ONCE": 5}
    job = start_job(triage, model_source("helpdesk.Ticket"))
    assert run("job_status", str(job.pk)).stdout.splitlines()[1:] == [
        "Its rows are being read: 5 so far, of about 20.",
        f"Follow it with: manage.py job_status {job.pk} --follow",
    ]
    assert "  planning  5 read  " in run("job_status").stdout
    assert run("job_status", str(job.pk), "--stop").stdout.splitlines()[1:] == [
        "It was stopped while its rows were being read: 5 so far.",
        f"Nothing was asked. Let it read on with: manage.py job_status {job.pk} --resume",
    ]
    assert run("job_status", str(job.pk), "--resume").code == 0
    work(job.pk)
    work(job.pk)
    assert run("job_status", str(job.pk)).stdout.splitlines()[1] == "20 rows: 20 succeeded, 0 failed"
