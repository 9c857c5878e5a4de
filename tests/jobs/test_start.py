"""A job is made whole or not at all, whoever writes to the same database meanwhile."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from import_export.fields import Field
from import_export.resources import ModelResource

from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Item, Job
from aiops.jobs.quote import quote
from aiops.jobs.sources import ModelSource
from aiops.jobs.start import start_job
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
