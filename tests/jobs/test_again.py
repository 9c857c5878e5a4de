"""A job once more: over the same rows, those that failed, those that have changed, or new ones."""

import io

import pytest
from django.contrib.auth.models import User

from aiops.gateway.testing import Refusal
from aiops.jobs.again import Which, choices_for, rows_again
from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Job
from aiops.jobs.sources import FileSource, ModelSource, model_source
from aiops.jobs.stale import stale_rows
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from project.helpdesk.models import Ticket
from prompts.models import Prompt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


@pytest.fixture
def bad(provider, tickets):
    """The ticket that fails whenever it is asked about."""
    provider.when(lambda request: request.body["messages"][1]["content"] == tickets[3].text, Refusal())
    return tickets[3]


@pytest.fixture
def job(triage, tickets, bad):
    """A job over all tickets that is over."""
    return done(start_job(triage, model_source("helpdesk.Ticket")))


def done(job):
    work(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.FINISHED
    return job


def keys(source):
    return [row.key for row in source.rows()]


def change(ticket, text="Another text"):
    Ticket.objects.filter(pk=ticket.pk).update(text=text)


def test_the_same_rows_as_they_are_now(job, tickets):
    change(tickets[0])
    tickets[1].delete()
    source = rows_again(job, Which.SAME)
    assert source.count() == 19
    assert keys(source) == [str(ticket.pk) for ticket in tickets if ticket.pk]
    assert next(source.rows()).variables["text"] == "Another text"
    assert source.describe() == f"19 rows of helpdesk.Ticket, as in job {job.pk}"


def test_rows_that_failed(job, bad):
    source = rows_again(job, Which.FAILED)
    assert keys(source) == [str(bad.pk)]
    again = start_job(job.version, source, again_of=job)
    assert (again.again_of, again.item_count) == (job, 1)
    assert again.source == {"kind": "model", "model": "helpdesk.Ticket", "again": job.pk, "rows": "failed"}


def test_rows_that_have_changed_since(job, tickets, bad):
    change(tickets[0])
    change(bad)
    Ticket.objects.filter(pk=tickets[1].pk).update(subject="Another", category="card")
    assert keys(rows_again(job, Which.CHANGED)) == [str(tickets[0].pk)]


def test_what_was_run_again_has_not_changed_since(job, tickets):
    change(tickets[0])
    again = start_job(job.version, rows_again(job, Which.CHANGED), again_of=job)
    # Nor what is about to be asked.
    with pytest.raises(JobRefused, match="There is nothing to do"):
        start_job(job.version, rows_again(job, Which.CHANGED))
    done(again)
    assert not rows_again(job, Which.CHANGED).count()
    change(tickets[0], "And another")
    assert rows_again(job, Which.CHANGED).count() == rows_again(again, Which.CHANGED).count() == 1


def test_a_change_that_was_taken_back_is_none(job, tickets):
    change(tickets[0])
    change(tickets[0], tickets[0].text)
    assert not rows_again(job, Which.CHANGED).count()


def test_another_prompt_has_its_own_answers(job, tickets, provider):
    other = Prompt.objects.create(name="other", title="Other")
    version = other.add_version(messages=[{"role": "user", "content": "{{ text }}"}])
    assert rows_again(job, Which.NEW, version=version).count() == 0  # They are rows of this job already.
    assert rows_again(job, Which.ALL, version=version).count() == 20


def test_new_rows_chosen_as_those_were(triage, tickets, provider):
    Ticket.objects.update(category="card")
    chosen = model_source("helpdesk.Ticket", filters=["category=card"], order="-pk")
    job = done(start_job(triage, chosen))
    new = [
        Ticket.objects.create(subject="New", text=f"New {n}", category=category)
        for n, category in enumerate(["card", "", "card"])
    ]
    source = rows_again(job, Which.NEW)
    assert keys(source) == [str(new[2].pk), str(new[0].pk)]
    more = done(start_job(triage, source, again_of=job))
    assert rows_again(job, Which.NEW).count() == rows_again(more, Which.NEW).count() == 0
    assert rows_again(job, Which.ALL).count() == 22


def test_rows_that_were_ticked_have_no_new_ones(triage, tickets, provider):
    job = start_job(triage, ModelSource(Ticket.objects.all()[:3], selection={"selected": True}))
    assert choices_for(job) == [Which.SAME, Which.FAILED, Which.CHANGED]
    with pytest.raises(JobRefused, match="ticked one by one"):
        rows_again(job, Which.NEW)


def test_rows_of_a_file_are_those_that_were_kept(triage, provider):
    file = FileSource(io.BytesIO(b"text,note\nlost,1\nstolen,2\n"), name="rows.csv")
    provider.when(lambda request: request.body["messages"][1]["content"] == "lost", Refusal())
    job = done(start_job(triage, file))
    source = rows_again(job, Which.SAME)
    assert [dict(row.variables) for row in source.rows()] == [
        {"text": "lost", "note": "1"},
        {"text": "stolen", "note": "2"},
    ]
    assert [dict(row.variables)["text"] for row in rows_again(job, Which.FAILED).rows()] == ["lost"]
    again = start_job(triage, source, again_of=job)
    assert again.source_text == f"2 rows of job {job.pk}"
    assert choices_for(job) == [Which.SAME, Which.FAILED]
    with pytest.raises(JobRefused, match="came from a file"):
        rows_again(job, Which.CHANGED)


def test_nobody_reads_more_than_they_see(job, tickets, monkeypatch):
    from project.helpdesk.admin import TicketAdmin

    boss = User.objects.create_superuser("boss")
    seen = [ticket.pk for ticket in tickets[:2]]
    monkeypatch.setattr(TicketAdmin, "get_queryset", lambda self, request: Ticket.objects.filter(pk__in=seen))
    for ticket in tickets:
        change(ticket)
    assert rows_again(job, Which.SAME, user=boss).count() == rows_again(job, Which.CHANGED, user=boss).count() == 2
    with pytest.raises(JobRefused, match="ada may not view helpdesk"):
        rows_again(job, Which.SAME, user=User.objects.create_user("ada"))


def test_an_answer_is_remembered_by_the_row_whatever_became_of_its_job(job, tickets):
    """Of jobs that were stopped what was answered counts, and what was not does not."""
    text = "Only half of them"
    Ticket.objects.update(text=text)
    half = start_job(job.version, rows_again(job, Which.CHANGED))
    half.stop(now=half.started_at)
    assert rows_again(job, Which.CHANGED).count() == 19  # The one that failed was never answered.


def test_what_has_become_of_the_rows_of_a_job(job, tickets):
    boss = User.objects.create_superuser("boss")
    change(tickets[5])
    change(tickets[12])
    tickets[2].delete()
    stale = stale_rows(job, boss)
    assert [item.position for item in stale.changed] == [6, 13]
    assert [item.position for item in stale.gone] == [3]
    assert (stale.looked_at, stale.more) == (20, False)
    assert stale.sentence() == "2 rows have changed since they were answered."
    first = stale_rows(job, boss, most=8)
    assert ([item.position for item in first.changed], first.more) == ([6], True)
    assert [item.position for item in stale_rows(job, boss, after=first.after).changed] == [13]


def test_a_few_questions_for_each_thousand_rows(job, tickets, django_assert_num_queries):
    Ticket.objects.bulk_create([Ticket(subject="", text=f"Text {n}") for n in range(1_500)])
    rows_again(job, Which.CHANGED)
    # Keys of the items, those that are there, whether another job is still being read, and then for the rows:
    # themselves, their latest items, what these held, how often the one failed that has no answer.
    with django_assert_num_queries(7):
        rows_again(job, Which.CHANGED)
    # Whether another is being read, all keys, and for each thousand rows: themselves, their latest items (what these
    # held, where there are any), how often they failed; and of each thousand that are new, which the job has already.
    with django_assert_num_queries(2 + 4 + 3 + 2):
        rows_again(job, Which.NEW)
