"""Jobs from the shop's code: start one, wait for it, read what came of it, be told of it."""

import logging
import re
import tracemalloc
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.utils import timezone

from aiops import JobRefused, start_job
from aiops.durable import InTransaction
from aiops.gateway.testing import Refusal
from aiops.jobs.models import Item, Job
from aiops.jobs.sources import model_source
from aiops.jobs.tasks import work
from aiops.ledger.models import Budget
from aiops.signals import item_succeeded, job_finished
from project.helpdesk.models import Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


@pytest.fixture
def heard():
    """What the signals said, in their order. Receivers of a test are gone after it."""
    said, connected = [], []

    def listen(signal, do=None):
        def receiver(sender, **told):
            said.append((sender, told))
            if do is not None:
                do(**told)

        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))

    listen.said = said
    yield listen
    for signal, receiver in connected:
        signal.disconnect(receiver)


# --- Starting


def test_a_prompt_by_its_name_over_a_queryset(triage, tickets, provider):
    ada = User.objects.create_user("ada")
    job = start_job("triage", Ticket.objects.filter(pk__lte=tickets[4].pk), user=ada, most_cost="0.25", most_failures=3)
    assert (job.version, job.item_count, job.user, job.most_failures) == (triage, 5, ada, 3)
    assert Budget.objects.get(scope="job").cap == 250_000_000
    assert job.status == Job.Status.RUNNING


def test_all_rows_of_a_model_or_a_source(triage, tickets, provider):
    assert start_job(triage, Ticket).item_count == 20
    assert start_job("triage@1", model_source("helpdesk.Ticket", limit=3), most_cost=Decimal(1)).item_count == 3


def test_only_rows_that_need_it(triage, tickets, provider):
    work(start_job("triage", Ticket.objects.order_by("pk")[:12]).pk)
    Ticket.objects.filter(pk=tickets[0].pk).update(text="Another text")
    assert start_job("triage", Ticket, only="new").item_count == 8
    # What the job before is about to ask needs nobody else to ask it.
    assert start_job("triage", Ticket, only="changed").item_count == 1
    with pytest.raises(JobRefused, match="There is nothing to do"):
        start_job("triage", Ticket, only="changed")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (lambda: start_job("gone", Ticket), 'There is no prompt "gone"'),
        (lambda: start_job("triage@staging", Ticket), 'has no label "staging"'),
        (lambda: start_job("triage", User), "auth.User has no source"),
        (lambda: start_job("triage", Ticket.objects.none()), "There is nothing to do"),
        (lambda: start_job("triage", Ticket, only="some"), "only is “some”"),
        (lambda: start_job("triage", Ticket, most_cost=0), "above zero"),
        (lambda: start_job("triage", Ticket, connection="nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_refusal_and_leaves_nothing(triage, tickets, provider, asked, why):
    with pytest.raises(JobRefused, match=why):
        asked()
    assert not Job.objects.exists() and provider.requests == []


# --- Waiting


def test_waiting_ends_with_the_job(triage, tickets, provider):
    job = start_job("triage", Ticket)

    def worker():
        try:
            work(job.pk)
        finally:
            connections.close_all()

    thread = Thread(target=worker)
    thread.start()
    assert job.wait(timeout=60) is job
    thread.join()
    assert job.status == Job.Status.FINISHED
    assert len(list(job.results())) == 20


def test_a_job_that_somebody_has_to_look_at_is_not_waited_for(triage, tickets, provider):
    job = start_job("triage", Ticket)
    job.pause("The account has no credit left.")
    assert job.wait(timeout=0).paused_because == "The account has no credit left."


def test_a_job_that_waits_for_money_goes_on_by_itself_and_is_waited_for(triage, tickets, provider):
    job = start_job("triage", Ticket)
    job.pause("The budget has no room.", waits_for=1_000)
    with pytest.raises(TimeoutError):
        job.wait(timeout=0)


def test_waiting_has_an_end(triage, tickets, provider):
    job = start_job("triage", Ticket)
    with pytest.raises(TimeoutError, match=f"Job {job.pk} still goes on after 0 seconds"):
        job.wait(timeout=0)
    assert Job.objects.get().status == Job.Status.RUNNING


def test_inside_a_transaction_nobody_could_wait_for_ever(triage, tickets, provider):
    job = start_job("triage", Ticket)
    with transaction.atomic(), pytest.raises(InTransaction, match="cannot be waited for inside a transaction"):
        job.wait()


# --- Results


def test_results_come_in_the_order_of_the_rows(triage, tickets, provider):
    provider.when(lambda request: request.body["messages"][1]["content"] == tickets[3].text, Refusal())
    job = start_job("triage", Ticket)
    assert [result.status for result in job.results()] == ["pending"] * 20
    work(job.pk)
    results = list(job.results())
    assert [result.position for result in results] == list(range(1, 21))
    assert [result.key for result in results] == [str(ticket.pk) for ticket in tickets]
    assert set(results[0].data) == {"category", "priority"} and results[0].succeeded
    assert (results[3].succeeded, results[3].error_kind, results[3].data) == (False, "refused", None)
    assert [result.position for result in job.results(succeeded=False)] == [4]
    assert len(list(job.results(succeeded=True))) == 19


def test_results_of_many_rows_are_never_in_memory_together(triage, tickets, provider, django_assert_num_queries):
    job = start_job("triage", Ticket)
    text = "A long answer. " * 200
    Item.objects.bulk_create(
        [Item(job=job, position=n, status="succeeded", text=text) for n in range(21, 10_021)], batch_size=500
    )
    results = job.results()
    next(results)
    tracemalloc.start()
    assert sum(1 for _ in results) == 10_019
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # All of them are 30 MB of text alone, a thousand 3 MB.
    assert peak < 15_000_000
    with django_assert_num_queries(11):
        list(job.results())


# --- Signals


def test_the_end_of_a_job_is_told_once_it_is_committed(triage, tickets, provider, heard):
    seen = []
    heard(job_finished, lambda job, **_: seen.append((job.status, connection.in_atomic_block)))
    job = start_job("triage", Ticket)
    work(job.pk)
    work(job.pk)
    assert heard.said[0][0] is Job
    assert seen == [("finished", False)]


def test_and_again_after_a_retry(triage, tickets, provider, heard):
    heard(job_finished)
    provider.when(lambda request: request.body["messages"][1]["content"] == tickets[3].text, Refusal())
    job = start_job("triage", Ticket)
    work(job.pk)
    with transaction.atomic():
        job.retry_failed()
    work(job.pk)
    assert len(heard.said) == 2


def test_a_job_that_is_stopped_is_not_finished(triage, tickets, provider, heard):
    heard(job_finished)
    job = start_job("triage", Ticket)
    job.stop(now=timezone.now())
    work(job.pk)
    assert heard.said == []


def test_each_answer_is_told_once_with_its_row_and_its_job(triage, tickets, provider, heard):
    twin = Ticket.objects.create(subject="Twin", text=tickets[0].text)
    provider.when(lambda request: request.body["messages"][1]["content"] == tickets[3].text, Refusal())
    heard(item_succeeded)
    job = start_job("triage", Ticket)
    work(job.pk)
    assert {sender for sender, _ in heard.said} == {Item}
    told = sorted(told["item"].row_key for _, told in heard.said)
    assert told == sorted(str(ticket.pk) for ticket in [*tickets, twin] if ticket != tickets[3])
    assert all(told["item"].data["category"] and told["item"].job == job for _, told in heard.said)


def test_a_receiver_that_raises_harms_nothing(triage, tickets, provider, heard, caplog):
    def fail(**_):
        raise ZeroDivisionError("the shop's own")

    heard(item_succeeded, fail)
    heard(job_finished, fail)
    heard(item_succeeded)
    job = start_job("triage", Ticket)
    with caplog.at_level(logging.ERROR, logger="django.dispatch"):
        work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED
    assert job.items.count_by_status()["succeeded"] == 20
    assert "the shop's own" in caplog.text
    assert len(heard.said) == 41


def test_a_receiver_may_write_and_what_it_rolls_back_is_its_own(triage, tickets, provider, heard):
    def write(item, **_):
        with transaction.atomic():
            Ticket.objects.filter(pk=item.row_key).update(category=item.data["category"])
            if item.position % 2:
                raise ValueError("no")

    heard(item_succeeded, write)
    job = start_job("triage", Ticket)
    work(job.pk)
    assert Ticket.objects.exclude(category="").count() == 10
    assert job.items.count_by_status()["succeeded"] == 20


# --- What the docs show


def test_what_the_docs_show_does_what_they_say(triage, tickets, provider, capsys):
    page = (Path(__file__).parents[2] / "docs/how-to/use-jobs-from-code.md").read_text()
    start, signals = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    triage.prompt.name = "triage-ticket"
    triage.prompt.save()
    names = {}
    exec(compile(signals, "docs", "exec"), names)

    def worker():
        try:
            while not over.wait(0.1):
                for job in Job.objects.running():
                    work(job.pk)
        finally:
            connections.close_all()

    over, thread = Event(), Thread(target=worker)
    thread.start()
    try:
        exec(compile(start, "docs", "exec"), names)
    finally:
        over.set()
        thread.join()
        job_finished.disconnect(names["tell_the_team"])
        item_succeeded.disconnect(names["index_the_row"])
    assert not Ticket.objects.filter(category="").exists()
    said = capsys.readouterr().out
    assert said.count("'category'") == 20 and f"{Job.objects.get()} is over, for 0.00 dollars." in said
