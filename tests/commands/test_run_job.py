"""`run_job`: the quote, the start, the watching and the end."""

from __future__ import annotations

import json
import os
import signal
import threading

import pytest
from django.contrib.auth import get_user_model
from django_q.models import OrmQ

from aiops.calls.models import Call
from aiops.gateway.testing import Status
from aiops.jobs.models import Item, Job
from aiops.jobs.tasks import work
from aiops.ledger.models import Budget, Hold
from project.helpdesk.models import Ticket

ROWS = ("--model", "helpdesk.Ticket")

pytestmark = pytest.mark.usefixtures("provider")


@pytest.fixture
def questions(tmp_path):
    """A file of five questions."""
    file = tmp_path / "questions.csv"
    file.write_text("Text,Note\n" + "".join(f"Where is card {n}?,\n" for n in range(1, 6)), encoding="utf-8")
    return file


def times(job):
    """The last line of a summary, which depends on the clock."""
    started = job.started_at.isoformat(" ", "seconds")
    return f"started {started}, took {round((job.ended_at - job.started_at).total_seconds())} s\n"


def test_dry_run_asks_nothing(run, triage, tickets, provider):
    ran = run("run_job", "triage-ticket", *ROWS, "--limit", "20", "--dry-run")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == (
        "20 rows of helpdesk.Ticket, 19 unique: identical ones are asked once\n"
        "3,572 tokens in, estimated (677 to 4,483), and 380 to 3,040 out\n"
        "between $0.00026 and $0.0020 on gpt-6-luna\n"
        "by the provider's price for batches, answered within a day: between $0.00013 and $0.00098\n"
        "how long the answers will be nobody knows yet: try some rows first, and the rest is quoted by them\n"
        "Nothing was sent (dry run).\n"
    )
    assert provider.requests == []
    assert not Job.objects.exists() and not Call.objects.exists() and not Hold.objects.exists()


def test_a_dry_run_as_json_says_what_the_budgets_have_left(run, triage, tickets, provider):
    found = json.loads(run("run_job", "triage-ticket", *ROWS, "--dry-run", "--json").stdout)
    cost = found["cost"]["high"]
    assert found == {
        "source": "20 rows of helpdesk.Ticket",
        "rows": 20,
        "unique_rows": 19,
        "unfit_rows": 0,
        "asked_rows": 19,
        "answered_rows": 0,
        "tokens_in": {"low": 677, "likely": 3572, "high": 4483},
        "tokens_in_are": "estimated",
        "tokens_out": {"low": 380, "likely": None, "high": 3040},
        "past_answers": 0,
        "cost": {"low": 258_400, "likely": None, "high": 1_968_400},
        "cost_as_batch": {"low": 129_200, "likely": None, "high": 984_200},
        "seconds": None,
        "seconds_at_least": None,
        "in_batches": False,
        "connection": "default",
        "model": "gpt-6-luna",
        "budgets": [{"name": "Everything", "left": 20_000_000_000, "after": 20_000_000_000 - cost}],
    }


def test_a_job_may_cost_so_much_and_no_more(run, triage, tickets, provider):
    found = json.loads(run("run_job", "triage-ticket", *ROWS, "--most-cost", "2.5", "--dry-run", "--json").stdout)
    assert found["budgets"][0]["left"] == 2_500_000_000
    assert run("run_job", "triage-ticket", *ROWS, "--most-cost", "2.5", "--most-failures", "3").code == 0
    assert Job.objects.get().most_failures == 3
    assert Budget.objects.get(scope="job", subject=str(Job.objects.get().pk)).cap == 2_500_000_000


@pytest.mark.parametrize("dollars", ["0", "-1", "much", "NaN", "1e99"])
def test_a_most_that_makes_no_sense_is_refused(run, triage, tickets, dollars):
    ran = run("run_job", "triage-ticket", *ROWS, f"--most-cost={dollars}")
    assert ran.code == 2
    assert f"{dollars} is no sum of dollars above zero, such as 2.50" in ran.stderr
    assert not Job.objects.exists()


def test_a_job_is_started_and_its_number_said(run, triage, tickets, provider):
    ran = run("run_job", "triage-ticket", *ROWS, "--limit", "3")
    job = Job.objects.get()
    assert ran.code == 0
    assert ran.stdout == (
        f"Job {job.pk}: triage-ticket v1 on 3 rows of helpdesk.Ticket\n"
        f"Follow it with: manage.py job_status {job.pk} --follow\n"
    )
    assert (job.status, job.item_count, job.user) == ("running", 3, None)
    assert OrmQ.objects.count() == 1
    # The command itself asks nobody: that is the workers' work.
    assert provider.requests == []


def test_rows_are_chosen_by_filter_order_limit_and_emptiness(run, triage, tickets):
    tickets[0].category = "card"
    tickets[0].save()
    chosen = ("--filter", "text__contains=number 1", "--empty", "category", "--order=-id", "--limit", "3")
    assert run("run_job", "triage-ticket", *ROWS, *chosen).code == 0
    assert [item.row_key for item in Item.objects.all()] == [str(tickets[n].pk) for n in (19, 18, 17)]
    assert Job.objects.get().source == {
        "kind": "model",
        "model": "helpdesk.Ticket",
        "filters": ["text__contains=number 1"],
        "order": "-id",
        "limit": 3,
        "empty": "category",
    }


def test_a_file_is_read_up_to_the_limit(run, triage, questions, provider):
    ran = run("run_job", "triage-ticket", "--source", questions, "--limit", "2", "--json")
    job = Job.objects.get()
    work(job.pk)
    assert json.loads(ran.stdout)["source"] == job.source_text == "2 rows of questions.csv"
    assert job.source["limit"] == 2
    asked = sorted(request.messages[-1]["content"] for request in provider.requests)
    assert asked == ["Customer's question:\nWhere is card 1?", "Customer's question:\nWhere is card 2?"]


def test_a_limit_above_the_rows_of_a_file_takes_them_all(run, triage, questions):
    ran = run("run_job", "triage-ticket", "--source", questions, "--limit", "99", "--dry-run")
    assert ran.stdout.startswith("5 rows of questions.csv, 5 unique\n")


def test_who_started_it_and_where_it_is_asked_is_kept(run, triage, tickets):
    ada = get_user_model().objects.create_user("ada")
    asked = ("--user", "ada", "--connection", "default", "--language-model", "gpt-5-mini", "--json")
    found = json.loads(run("run_job", "triage-ticket", *ROWS, *asked).stdout)
    job = Job.objects.get()
    assert (job.user, job.connection, job.model) == (ada, "default", "gpt-5-mini")
    at_work = found.pop("at_work")
    assert (at_work["rung_at"], at_work["slices"]) == (job.rung_at.isoformat(), [])
    assert found == {
        "job": job.pk,
        "status": "running",
        "counts": {"pending": 20, "claimed": 0, "succeeded": 0, "failed": 0},
        "total": 20,
        "planned": True,
        "source_rows": 20,
        "done": 0,
        "percent": 0,
        "rate": None,
        "seconds_left": None,
        "errors": {},
        "tokens_in": 0,
        "tokens_out": 0,
        "cost": 0,
        "unknown_costs": 0,
        "cost_at_end": None,
        "batches": [],
        "version": "triage-ticket v1",
        "source": "20 rows of helpdesk.Ticket",
        "connection": "default",
        "model": "gpt-5-mini",
        "user": "ada",
        "paused_because": "",
        "created_at": job.created_at.isoformat(),
        "started_at": job.started_at.isoformat(),
        "ended_at": None,
    }


def test_following_ends_with_what_came_of_it(run, triage, tickets, provider, worker):
    ran = run("run_job", "triage-ticket", *ROWS, "--follow")
    job = Job.objects.get()
    assert ran.code == 0
    assert ran.stdout == (
        f"Job {job.pk} is finished: triage-ticket v1 on 20 rows of helpdesk.Ticket, "
        "asked of gpt-6-luna over default\n"
        "20 rows: 20 succeeded, 0 failed\n"
        f"{provider.totals.prompt_tokens:,} tokens in, {provider.totals.completion_tokens:,} out, $0.00039\n"
        + times(job)
    )
    assert ran.stderr.splitlines()[-1] == "20 of 20 rows, 100 % · $0.00039"
    # Two of the rows are the same.
    assert len(provider.requests) == 19


def test_rows_that_fail_are_told_by_reason_and_end_in_exit_code_1(run, triage, tickets, provider, worker):
    provider.when(lambda request: request.text.endswith("number 7?"), Status(400))
    provider.when(lambda request: request.text.endswith("number 1?"), "no JSON")
    ran = run("run_job", "triage-ticket", *ROWS, "--follow")
    job = Job.objects.get()
    assert ran.code == 1
    assert ran.stdout.splitlines()[1:4] == ["20 rows: 17 succeeded, 3 failed", "  2 schema", "  1 bad_request"]
    assert ran.stderr.splitlines()[-1] == (
        f"CommandError: 3 rows failed; try again with: manage.py job_status {job.pk} --retry-failed"
    )


def test_following_as_json_keeps_stdout_for_one_object(run, triage, tickets, worker):
    ran = run("run_job", "triage-ticket", *ROWS, "--follow", "--json")
    found = json.loads(ran.stdout)
    assert (found["status"], found["done"], found["counts"]["succeeded"]) == ("finished", 20, 20)
    assert found["ended_at"] == Job.objects.get().ended_at.isoformat()


def test_a_budget_that_is_spent_pauses_the_job_and_says_so(run, triage, tickets, budget, provider, worker):
    budget.cap = 1_000
    budget.save()
    ran = run("run_job", "triage-ticket", *ROWS, "--follow")
    job = Job.objects.get()
    assert ran.code == 1
    assert ran.stdout.splitlines()[1] == "20 rows: 0 succeeded, 0 failed, 20 left"
    assert ran.stderr.splitlines()[-1] == (
        f"CommandError: The job is paused: {job.paused_because} "
        f"Let it go on with: manage.py job_status {job.pk} --resume"
    )
    assert "“Everything” has" in job.paused_because
    assert provider.requests == []


def test_ctrl_c_stops_the_watching_and_not_the_job(run, triage, tickets):
    threading.Timer(2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    ran = run("run_job", "triage-ticket", *ROWS, "--follow")
    job = Job.objects.get()
    assert (ran.code, ran.stdout, job.status) == (130, "", "running")
    assert ran.stderr == (
        "0 of 20 rows, 0 % · $0.00\n"
        f"CommandError: The job goes on. Watch it again with: manage.py job_status {job.pk} --follow, "
        f"stop it with: manage.py job_status {job.pk} --stop\n"
    )


def test_help_has_examples_on_lines_of_their_own(run):
    ran = run("run_job", "--help")
    assert ran.code == 0
    assert "\n  manage.py run_job triage-ticket --model helpdesk.Ticket --limit 20 --dry-run\n" in ran.stdout


# --- Again


@pytest.fixture
def before(run, triage, tickets, provider):
    """A job over twenty tickets, of which the fourth failed."""
    failing = tickets[3].text
    provider.when(lambda request: failing in request.body["messages"][-1]["content"], Status(400))
    run("run_job", "triage-ticket", *ROWS, "--most-failures", "7", "--most-cost", "1.5")
    job = Job.objects.get()
    work(job.pk)
    return job


def test_rows_that_have_changed_are_run_again_with_the_same_settings(run, before, tickets):
    Ticket.objects.filter(pk=tickets[0].pk).update(text="Another text")
    ran = run("run_job", "--again", before.pk, "--changed")
    job = Job.objects.latest("pk")
    assert ran.stdout.splitlines()[0] == f"Job {job.pk}: {before.version} on 1 row of helpdesk.Ticket, {CHANGED}"
    assert (job.again_of, job.version, job.model, job.most_failures) == (before, before.version, "gpt-6-luna", 7)
    assert Budget.objects.get(subject=str(job.pk)).cap == 1_500_000_000


CHANGED = "changed since they were answered"


def test_so_are_new_ones_those_that_failed_and_all(run, before, triage):
    new = Ticket.objects.create(subject="New", text="A new one")
    for flags, keys in ((["--new"], [str(new.pk)]), (["--failed"], [before.items.failed().get().row_key])):
        run("run_job", "--again", before.pk, *flags)
        assert list(Job.objects.latest("pk").items.values_list("row_key", flat=True)) == keys
    run("run_job", "triage-ticket@1", "--again", before.pk, "--language-model", "gpt-5-mini")
    job = Job.objects.latest("pk")
    assert (job.item_count, job.model) == (20, "gpt-5-mini")


def test_rows_of_a_model_that_need_it(run, before, tickets):
    Ticket.objects.filter(pk=tickets[0].pk).update(text="Another text")
    new = Ticket.objects.create(subject="New", text="A new one")
    Ticket.objects.create(subject="New", text="And another")
    run("run_job", "triage-ticket", *ROWS, "--new", "--order=pk", "--limit", "2")
    assert set(Job.objects.latest("pk").items.values_list("row_key", flat=True)) == {str(tickets[3].pk), str(new.pk)}
    run("run_job", "triage-ticket", *ROWS, "--changed")
    assert Job.objects.latest("pk").item_count == 2


def test_a_dry_run_of_it_starts_nothing(run, before, tickets):
    Ticket.objects.filter(pk=tickets[0].pk).update(text="Another text")
    ran = run("run_job", "--again", before.pk, "--changed", "--dry-run")
    assert ran.stdout.startswith(f"1 row of helpdesk.Ticket, {CHANGED}, 1 unique\n")
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--again", "7000"], "There is no job 7000; the latest is"),
        (["--again", "{job}", "--changed"], "There is nothing to do"),
        (["--again", "{job}", "--limit", "3"], "leave them out with --again"),
        (["--again", "{job}", "--changed", "--new"], "not allowed with"),
        (["--again", "{job}", *ROWS], "not allowed with"),
        ([*ROWS], "Say which prompt is to be run"),
        (["triage-ticket", *ROWS, "--failed"], "name it with --again"),
        (["triage-ticket", "--source", "rows.csv", "--new"], "leave --changed and --new out"),
    ],
)
def test_what_makes_no_sense_of_it_is_refused(run, before, arguments, why):
    ran = run("run_job", *(str(argument).format(job=before.pk) for argument in arguments))
    assert ran.code == 2
    assert why in " ".join(ran.stderr.split())
    assert Job.objects.count() == 1
