"""Sources that shrink, grow or change: while rows are looked for, while a job is planned, before a row has its turn."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from aiops import start_job
from aiops.jobs.again import Which, rows_again
from aiops.jobs.errors import JobRefused
from aiops.jobs.freshness import Standing, in_need
from aiops.jobs.models import Job
from aiops.jobs.sources import ModelSource, model_source
from aiops.jobs.stale import stale_rows
from aiops.jobs.start import start_job as start
from aiops.jobs.tasks import work
from project.helpdesk.models import Ticket
from project.helpdesk.resources import TicketSource

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]

ROWS = 1_005
"""More than are read at once, so that something can happen between two reads."""


@pytest.fixture
def many(db):
    Ticket.objects.bulk_create([Ticket(subject="", text=f"Text {n}") for n in range(ROWS)])
    return list(Ticket.objects.order_by("pk").values_list("pk", flat=True))


@pytest.fixture
def while_read(monkeypatch):
    """Do something once, in the middle of planning: its first row, two fields of it, is read once before."""

    def arrange(do):
        read_so_far = []
        read = TicketSource.export_field

        def export_field(self, field, instance, **kwargs):
            read_so_far.append(instance.pk)
            if len(read_so_far) == 3:
                do()
            return read(self, field, instance, **kwargs)

        monkeypatch.setattr(TicketSource, "export_field", export_field)

    return arrange


def texts(job):
    return {item.row_key: item.variables["text"] for item in job.items.all()}


def move(many):
    """The last row changes, the one before it goes, and one comes."""
    Ticket.objects.filter(pk=many[-1]).update(text="Changed")
    Ticket.objects.filter(pk=many[-2]).delete()
    Ticket.objects.create(subject="", text="Came")


def test_a_row_is_read_as_it_is_when_its_turn_comes(many):
    rows = model_source("helpdesk.Ticket").rows()
    next(rows)
    move(many)
    assert [(row.key, row.variables["text"]) for row in rows][-2:] == [
        (str(many[-3]), f"Text {ROWS - 3}"),
        (str(many[-1]), "Changed"),
    ]


def test_what_moves_while_a_job_is_planned_is_in_it_or_is_stale_after_it(triage, many, provider, while_read):
    while_read(lambda: move(many))
    job = start(triage, ModelSource(Ticket.objects.order_by("pk")))
    held = texts(job)
    assert (job.item_count, len(held), held[str(many[-1])]) == (ROWS - 1, ROWS - 1, "Changed")
    # Whatever was caught, what is read next says what is missing: nothing is taken for answered that was not asked.
    job.items.update(status="succeeded")
    Job.objects.update(status=Job.Status.FINISHED)
    whole = model_source("helpdesk.Ticket")
    left = {row.key for row in in_need(whole, triage, {Standing.NEW, Standing.CHANGED}).rows()}
    now = {str(pk): text for pk, text in Ticket.objects.values_list("pk", "text")}
    assert left == {key for key, text in now.items() if held.get(key) != text}
    assert left == {str(Ticket.objects.get(text="Came").pk)}


def test_rows_that_go_after_they_were_picked_are_left_out(triage, many, provider):
    picked = in_need(model_source("helpdesk.Ticket"), triage, {Standing.NEW})
    Ticket.objects.filter(pk__in=many[:3]).delete()
    Ticket.objects.filter(pk=many[3]).update(text="Changed")
    Ticket.objects.create(subject="", text="Came")
    job = start(triage, picked)
    assert (picked.count(), job.item_count) == (ROWS, ROWS - 3)
    assert texts(job)[str(many[3])] == "Changed"


def test_a_job_whose_rows_have_all_gone_is_none(triage, tickets, provider):
    picked = in_need(model_source("helpdesk.Ticket"), triage, {Standing.NEW})
    Ticket.objects.all().delete()
    with pytest.raises(JobRefused, match="gone before the job began"):
        start(triage, picked)
    assert not Job.objects.exists()


def test_a_row_that_goes_before_its_turn_is_asked_as_it_was_and_harms_nobody(triage, tickets, provider):
    job = start_job("triage", Ticket)
    tickets[0].delete()
    Ticket.objects.filter(pk=tickets[1].pk).update(text="Changed after the plan")
    work(job.pk)
    assert job.items.count_by_status()["succeeded"] == 20
    asked = {request.body["messages"][1]["content"] for request in provider.requests}
    assert tickets[0].text in asked and tickets[1].text in asked and "Changed after the plan" not in asked
    # What the row holds by now was never asked: that is what stale means.
    stale = stale_rows(job, User.objects.create_superuser("boss"))
    assert ([item.row_key for item in stale.changed], len(stale.gone)) == ([str(tickets[1].pk)], 1)
    assert rows_again(job, Which.CHANGED).count() == 1
