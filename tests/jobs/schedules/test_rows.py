"""Which rows a run asks: those that its owner sees, and of these what needs it."""

import pytest
from django.contrib.auth.models import Permission, User

from aiops.gateway.testing import Refusal, Status
from aiops.jobs.models import Job
from aiops.jobs.schedules.due import run_due
from aiops.jobs.tasks import work
from aiops.ledger.models import Budget
from project.helpdesk.models import Ticket
from tests.jobs.schedules.nightly import DAY, NIGHT, make, said

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


# --- With whose permissions


def test_it_reads_the_rows_that_its_owner_sees_and_no_others(nightly, monkeypatch):
    from project.helpdesk.admin import TicketAdmin

    seen = list(Ticket.objects.order_by("pk").values_list("pk", flat=True)[:3])
    monkeypatch.setattr(TicketAdmin, "get_queryset", lambda self, request: Ticket.objects.filter(pk__in=seen))
    run_due(NIGHT)
    assert set(Job.objects.get().items.values_list("row_key", flat=True)) == {str(pk) for pk in seen}


@pytest.mark.parametrize("lost", ["run_job", "view_ticket", "active", "gone"])
def test_whoever_may_not_any_more_runs_nothing(nightly, ada, lost):
    if lost == "active":
        User.objects.update(is_active=False)
    elif lost == "gone":
        ada.delete()
    else:
        ada.user_permissions.remove(Permission.objects.get(codename=lost))
    assert run_due(NIGHT) == 0
    assert said(nightly)[0] == "refused"
    assert not Job.objects.exists()


def test_a_filtered_list_is_made_anew_each_time(triage, tickets, ada, provider):
    Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets[:2]]).update(category="card")
    schedule = make(triage, ada, list_query="?category__exact=card&o=-1&p=0", filters="language=en")
    Ticket.objects.update(language="en")
    run_due(NIGHT)
    assert Job.objects.get().item_count == 2
    Job.objects.update(status=Job.Status.FINISHED)
    Ticket.objects.filter(pk=tickets[5].pk).update(category="card")
    run_due(NIGHT + DAY)
    job = Job.objects.latest("pk")
    assert (job.item_count, job.source["list"]) == (3, "category__exact=card&o=-1&p=0")
    assert schedule.jobs.count() == 2


# --- Only what needs it


def test_the_second_night_asks_only_what_is_new_or_has_changed(triage, tickets, ada, provider):
    schedule = make(triage, ada, only="changed")
    run_due(NIGHT)
    work(Job.objects.get().pk)
    assert run_due(NIGHT + DAY) == 0
    why = "There was nothing to do: 0 rows of helpdesk.Ticket, new, or changed since they were answered."
    assert said(schedule) == ("nothing", why)

    Ticket.objects.filter(pk=tickets[4].pk).update(text="Another text.")
    # No field that the version reads.
    Ticket.objects.filter(pk=tickets[5].pk).update(subject="Another subject", category="card")
    new = Ticket.objects.create(subject="New", text="A new one.")
    assert run_due(NIGHT + 2 * DAY) == 1
    job = Job.objects.latest("pk")
    assert set(job.items.values_list("row_key", flat=True)) == {str(tickets[4].pk), str(new.pk)}
    assert job.source_text == "2 rows of helpdesk.Ticket, new, or changed since they were answered"


def test_or_only_what_was_never_answered_so_many_a_night(triage, tickets, ada, provider):
    make(triage, ada, only="new", most_rows=8)
    for night, asked in enumerate((8, 8, 4, 0)):
        assert run_due(NIGHT + night * DAY) == bool(asked)
        if asked:
            job = Job.objects.latest("pk")
            assert job.item_count == asked
            work(job.pk)
        Ticket.objects.filter(pk=tickets[0].pk).update(text=f"Changed {night}.")


@pytest.mark.parametrize(("trouble", "asked"), [(Refusal(), 3), (Status(500), 5)])
def test_a_row_that_fails_by_what_it_holds_is_not_paid_for_each_night(triage, tickets, ada, provider, trouble, asked):
    """The others of its kind have their turn, and it is asked again once it is another one."""
    bad = tickets[3]
    schedule = make(triage, ada, only="changed", most_rows=19)
    provider.when(lambda request: request.body["messages"][1]["content"] == bad.text, trouble)
    nights = 0
    for night in range(5):
        run_due(NIGHT + night * DAY)
        job = Job.objects.latest("pk")
        if job.status == Job.Status.RUNNING:
            work(job.pk)
            nights += job.items.filter(row_key=bad.pk).exists()
    assert nights == asked
    if asked == 3:
        assert said(schedule)[1].endswith("; 1 left out that failed 3 times.")
        Ticket.objects.filter(pk=bad.pk).update(text="Something kinder.")
        assert run_due(NIGHT + 5 * DAY) == 1


def test_or_only_rows_whose_field_is_empty(triage, tickets, ada, provider):
    make(triage, ada, only="empty", empty="category")
    Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets[:15]]).update(category="card")
    run_due(NIGHT)
    assert Job.objects.get().item_count == 5


def test_another_version_that_reads_the_same_is_no_reason_to_ask_again(triage, tickets, ada, provider):
    schedule = make(triage, ada, only="changed")
    run_due(NIGHT)
    work(Job.objects.get().pk)
    other = triage.prompt.add_version(messages=[{"role": "user", "content": "Sort: {{ text }}"}], output_limit=100)
    other.publish()
    assert run_due(NIGHT + DAY) == 0
    reads_more = triage.prompt.add_version(messages=[{"role": "user", "content": "{{ subject }}: {{ text }}"}])
    reads_more.publish()
    assert run_due(NIGHT + 2 * DAY) == 1
    assert Job.objects.latest("pk").version == reads_more
    assert schedule.jobs.count() == 2


# --- Money


def test_a_run_may_cost_so_much_and_no_more(triage, tickets, ada, provider):
    make(triage, ada, most_cost=500_000_000, most_failures=3)
    run_due(NIGHT)
    job = Job.objects.get()
    assert job.most_failures == 3
    assert Budget.objects.get(scope="job", subject=str(job.pk)).cap == 500_000_000
