"""A job is made whole or not at all, whoever writes to the same database meanwhile."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone
from import_export.fields import Field
from import_export.resources import ModelResource

from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Item, Job
from aiops.jobs.quote import quote
from aiops.jobs.sources import ModelSource, model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import sweep, work
from aiops.ledger.models import Budget
from aiops.ledger.periods import change_cap
from aiops.resources import register, unregister
from project.helpdesk.models import Ticket
from prompts.models import Prompt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]

ROWS = 2_600


@pytest.fixture
def visitor():
    """A connection of somebody else's, who writes whenever asked to."""
    other = connection.copy()

    def write():
        with other.cursor() as cursor:
            cursor.execute("INSERT INTO auth_group (name) VALUES (%s)", [f"visit {uuid4()}"])

    yield write
    other.close()


class VisitedSource(ModelSource):
    """Rows of a table to which somebody else writes while they are read."""

    def visited_by(self, write):
        self.write = write
        return self

    def rows(self, *args, **options):
        for number, row in enumerate(super().rows(*args, **options)):
            if number % 300 == 299:
                self.write()
            yield row


def test_somebody_else_may_write_while_the_items_are_made(triage, provider, visitor):
    Ticket.objects.bulk_create([Ticket(subject=f"{n:04}", text=f"Text {n % 7}") for n in range(ROWS)])
    source = VisitedSource(Ticket.objects.order_by("text", "-subject")).visited_by(visitor)
    assert quote(triage, source).rows == ROWS
    job = start_job(triage, source)
    expected = [ticket.subject for ticket in Ticket.objects.order_by("text", "-subject")]
    made = [variables["subject"] for variables in job.items.order_by("position").values_list("variables", flat=True)]
    assert made == expected
    assert (job.status, job.item_count) == (Job.Status.RUNNING, ROWS)


def test_a_row_that_goes_meanwhile_is_left_out_and_nothing_else(triage, provider):
    Ticket.objects.bulk_create([Ticket(text=f"Text {n}") for n in range(ROWS)])

    def remove_last():
        Ticket.objects.order_by("-pk")[0].delete()

    job = start_job(triage, VisitedSource(Ticket.objects.order_by("pk")).visited_by(remove_last))
    # Whatever was there when it was read is in it; some of the last rows were not any more.
    assert Ticket.objects.count() <= job.item_count == job.items.count() < ROWS
    positions = list(job.items.order_by("position").values_list("position", flat=True))
    assert positions == list(range(1, job.item_count + 1))


def test_half_a_job_is_not_left_behind_when_a_row_cannot_be_read(provider, visitor):
    class Broken(ModelResource):
        label = Field()

        class Meta:
            model = Group
            fields = ("label",)

        def dehydrate_label(self, group):
            return {True: "fine"}[group.name != "row 1900"]

    Group.objects.bulk_create([Group(name=f"row {n}") for n in range(2_000)])
    version = Prompt.objects.create(name="p", title="P").add_version(
        messages=[{"role": "user", "content": "{{ label }}"}]
    )
    register(Group, source=Broken)
    try:
        source = VisitedSource(Group.objects.order_by("pk")).visited_by(visitor)
        with pytest.raises(JobRefused, match="Broken cannot read the row"):
            start_job(version, source)
    finally:
        unregister(Group)
    assert not Job.objects.exists() and not Item.objects.exists()


class TestTheMostThatItMayCost:
    def test_it_is_paused_before_it_costs_more_and_goes_on_once_that_is_raised(self, triage, tickets, provider, budget):
        job = start_job(triage, model_source("helpdesk.Ticket"), most_cost=200_000)
        own = Budget.objects.get(scope="job")
        assert (own.name, own.subject, own.cap) == (f"Job {job.pk}", str(job.pk), 200_000)
        work(job.pk)
        job.refresh_from_db()
        assert job.status == Job.Status.PAUSED
        assert job.paused_because.startswith(f"The budget “Job {job.pk}” has ")
        assert 0 < job.cost <= 200_000
        change_cap(own, 10**10, now=timezone.now())
        sweep()
        work(job.pk)
        job.refresh_from_db()
        assert (job.status, job.items.filter(status="succeeded").count()) == (Job.Status.FINISHED, 20)

    def test_no_other_job_is_held_back_by_it(self, triage, tickets, provider, budget):
        start_job(triage, model_source("helpdesk.Ticket"), most_cost=1)
        job = start_job(triage, model_source("helpdesk.Ticket"))
        work(job.pk)
        job.refresh_from_db()
        assert job.status == Job.Status.FINISHED

    def test_a_name_that_is_taken_is_no_trouble(self, triage, tickets, provider, budget):
        first = start_job(triage, model_source("helpdesk.Ticket"))
        # The keys that a job may have next.
        for number in range(first.pk + 1, first.pk + 200):
            Budget.objects.create(name=f"Job {number}", cap=10**10)
        job = start_job(triage, model_source("helpdesk.Ticket"), most_cost=10**9)
        assert Budget.objects.get(scope="job", subject=str(job.pk)).name == f"Job {job.pk} (2)"

    def test_of_a_job_that_could_not_be_started_nothing_is_left(self, triage, provider, budget):
        with pytest.raises(JobRefused):
            start_job(triage, model_source("helpdesk.Ticket"), most_cost=10**9)
        assert not Budget.objects.filter(scope="job").exists()

    def test_a_thousand_of_them_cost_a_call_no_more_queries(self, triage, tickets, provider, budget):
        Budget.objects.bulk_create(
            Budget(name=f"Old {number}", scope="job", subject=str(10**6 + number), cap=1) for number in range(1000)
        )
        assert [one.name for one in Budget.objects.counting({None, 7})] == ["Everything"]

    def test_the_quote_says_what_is_left_of_it(self, triage, tickets, budget):
        offer = quote(triage, model_source("helpdesk.Ticket"), most_cost=5 * 10**9)
        assert [one.name for one in offer.budgets] == ["this job", "Everything"]
        assert offer.budgets[0].left == 5 * 10**9
