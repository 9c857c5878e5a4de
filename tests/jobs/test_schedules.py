"""Jobs that start by themselves: each when it is due, once, with its owner's permissions, whatever the others do."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.db import connections
from django.utils import timezone

from aiops.gateway.testing import Refusal, Status
from aiops.jobs.control import retry_failed
from aiops.jobs.models import Job
from aiops.jobs.schedules.due import run_due
from aiops.jobs.schedules.model import LOST, MOST_TAKES, JobSchedule
from aiops.jobs.schedules.telling import tell_of_runs
from aiops.jobs.tasks import sweep, work
from aiops.ledger.models import Budget
from aiops.stops.switch import go_on, stop_all
from project.helpdesk.models import Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NIGHT = datetime(2026, 12, 1, 2, tzinfo=UTC)


def may(user, *permissions):
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def ada(db):
    user = User.objects.create_user("ada", is_staff=True)
    return may(user, "aiops.run_job", "helpdesk.view_ticket")


@pytest.fixture
def nightly(triage, tickets, ada, provider):
    """A schedule that is due each night at two, for the first time on the first of December."""
    return make(triage, ada)


def make(triage, who, name="Nightly", **changed):
    fields = {"cron": "0 2 * * *", "time_zone": "UTC", "row_model": "helpdesk.Ticket", "only": "all", "owner": who}
    schedule = JobSchedule(name=name, prompt=triage.prompt, next_at=NIGHT, **{**fields, **changed})
    schedule.full_clean()
    schedule.save()
    return schedule


def fresh(schedule):
    return JobSchedule.objects.get(pk=schedule.pk)


def said(schedule):
    schedule = fresh(schedule)
    return schedule.outcome, schedule.outcome_text


# --- When


def test_what_is_due_is_started_by_the_tick_and_what_is_not_is_not(nightly):
    assert run_due(NIGHT - MINUTE) == 0
    assert run_due(NIGHT) == 1
    job = Job.objects.get()
    assert (job.schedule, job.item_count, job.user) == (nightly, 20, nightly.owner)
    assert said(nightly) == ("started", f"Job {job.pk}: {job}")
    assert fresh(nightly).next_at == NIGHT + DAY
    assert run_due(NIGHT + MINUTE) == 0


def test_the_sweep_is_the_tick(nightly):
    JobSchedule.objects.update(next_at=timezone.now() - MINUTE)
    sweep()
    assert Job.objects.get().schedule == nightly


def test_runs_that_were_missed_are_one_run(nightly):
    assert run_due(NIGHT + 10 * DAY + MINUTE) == 1
    assert fresh(nightly).next_at == NIGHT + 11 * DAY
    assert run_due(NIGHT + 10 * DAY + 2 * MINUTE) == 0


def test_a_clock_that_is_set_back_runs_nothing_twice(nightly):
    assert run_due(NIGHT) == 1
    Job.objects.update(status=Job.Status.FINISHED)
    for earlier in (MINUTE, timedelta(hours=3), 2 * DAY):
        assert run_due(NIGHT - earlier) == 0
    assert run_due(NIGHT + MINUTE) == 0
    assert run_due(NIGHT + DAY) == 1


def test_a_clock_that_was_a_year_ahead_does_not_keep_it_from_running_for_a_year(nightly):
    assert run_due(NIGHT + 365 * DAY) == 1
    Job.objects.update(status=Job.Status.FINISHED)
    assert run_due(NIGHT + MINUTE) == 0
    assert fresh(nightly).next_at == NIGHT + DAY
    assert run_due(NIGHT + DAY) == 1


@pytest.mark.parametrize("night", [datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC)])
def test_on_the_nights_when_clocks_change_it_runs_once(triage, tickets, ada, provider, night):
    """From midnight to six in Berlin, a tick each minute."""
    schedule = make(triage, ada, cron="30 2 * * *", time_zone="Europe/Berlin")
    schedule.plan(night)
    started = []
    for minutes in range(6 * 60):
        if run_due(night + minutes * MINUTE):
            started.append((night + minutes * MINUTE).astimezone(schedule.zone).strftime("%H:%M %Z"))
            Job.objects.update(status=Job.Status.FINISHED)
    assert started == [{3: "03:00 CEST", 10: "02:30 CEST"}[night.month]]


def test_two_ticks_at_once_start_one_job(nightly):
    ready, started = Barrier(2), []

    def tick():
        ready.wait()
        try:
            started.append(run_due(NIGHT))
        finally:
            connections.close_all()

    threads = [Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(started) == [0, 1]
    assert Job.objects.count() == 1


def test_a_schedule_that_was_made_by_the_shops_code_has_its_time_from_the_first_tick(triage, tickets, ada, provider):
    schedule = make(triage, ada)
    JobSchedule.objects.update(next_at=None)
    assert run_due(NIGHT - MINUTE) == 0
    assert fresh(schedule).next_at == NIGHT


def test_an_interval_keeps_its_beat(triage, tickets, ada, provider):
    schedule = make(triage, ada, cron="", every=90)
    assert run_due(NIGHT + 5 * MINUTE) == 1
    assert fresh(schedule).next_at == NIGHT + 90 * MINUTE
    assert [at - NIGHT for at in fresh(schedule).next_runs(NIGHT, 2)] == [90 * MINUTE, 180 * MINUTE]


def test_what_is_switched_off_does_not_run(nightly):
    JobSchedule.objects.update(active=False)
    assert run_due(NIGHT + DAY) == 0


# --- Beside the run before


def test_a_run_is_left_out_while_the_one_before_goes_on(nightly):
    run_due(NIGHT)
    assert run_due(NIGHT + DAY) == 0
    assert said(nightly) == ("skipped", f"Job {Job.objects.get().pk} of the run before is running.")
    assert fresh(nightly).next_at == NIGHT + 2 * DAY


def test_or_waits_for_its_end_and_runs_once(triage, tickets, ada, provider):
    schedule = make(triage, ada, overlap="queue")
    run_due(NIGHT)
    first = Job.objects.get()
    first.pause("somebody has to look")
    assert run_due(NIGHT + DAY) == run_due(NIGHT + 2 * DAY) == run_due(NIGHT + 2 * DAY + MINUTE) == 0
    assert said(schedule) == ("waiting", f"It waits for job {first.pk}, which is paused.")
    first.stop(now=timezone.now())
    assert run_due(NIGHT + 2 * DAY + 2 * MINUTE) == 1
    assert fresh(schedule).next_at == NIGHT + 3 * DAY
    Job.objects.update(status=Job.Status.FINISHED)
    assert run_due(NIGHT + 2 * DAY + 3 * MINUTE) == 0


def test_only_the_same_schedule_is_waited_for(nightly, triage, ada):
    make(triage, ada, name="Another")
    assert run_due(NIGHT) == 2


# --- One that is bad


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"cron": "nonsense"}, "“nonsense” is no cron expression"),
        ({"time_zone": "Mars/Olympus"}, "There is no time zone “Mars/Olympus”"),
        ({"version": "gone"}, 'has no label "gone"'),
        ({"row_model": "helpdesk.Gone"}, "There is no model “helpdesk.Gone”"),
        ({"filters": "colour=red"}, "has no field “colour”"),
        ({"list_query": "colour=red"}, "has no filter “colour=red”"),
        ({"connection": "gone"}, "gone"),
        ({"owner": None}, "The schedule has no owner"),
    ],
)
def test_a_bad_one_says_why_and_the_others_run(nightly, triage, ada, broken, why):
    good = [make(triage, ada, name="A good one"), make(triage, ada, name="Zealous")]
    JobSchedule.objects.filter(pk=nightly.pk).update(**broken)
    assert run_due(NIGHT) == 2
    assert {job.schedule for job in Job.objects.all()} == set(good)
    outcome, text = said(nightly)
    assert outcome == "refused"
    assert why in text


def test_one_whose_time_never_comes_is_switched_off(nightly):
    JobSchedule.objects.update(cron="0 0 31 2 *")
    run_due(NIGHT)
    assert not fresh(nightly).active
    assert "It is switched off until somebody has corrected it." in said(nightly)[1]
    assert run_due(NIGHT + DAY) == 0


def test_code_of_the_shop_that_fails_is_the_schedules_own_trouble(nightly, triage, ada, monkeypatch):
    from project.helpdesk.admin import TicketAdmin

    good = make(triage, may(User.objects.create_superuser("root")), name="A good one")

    def rows(self, request):
        if request.user == ada:
            raise ZeroDivisionError("the shop's own")
        return Ticket.objects.all()

    monkeypatch.setattr(TicketAdmin, "get_queryset", rows)
    assert run_due(NIGHT) == 1
    assert Job.objects.get().schedule == good
    assert said(nightly) == ("refused", "ZeroDivisionError: the shop's own")


def test_while_calls_are_stopped_nothing_is_started(nightly):
    stop_all(None, "a drill.")
    assert run_due(NIGHT) == 0
    assert "a drill." in said(nightly)[1]
    go_on(None)
    assert run_due(NIGHT + DAY) == 1


def test_nothing_to_do_is_no_trouble(nightly):
    Ticket.objects.all().delete()
    assert run_due(NIGHT) == 0
    assert said(nightly) == ("nothing", "There was nothing to do: 0 rows of helpdesk.Ticket.")


# --- Killed


def test_a_run_whose_process_was_killed_is_started_again(nightly, triage):
    """Killed before there was a job."""
    assert fresh(nightly).take(NIGHT)
    assert run_due(NIGHT + LOST) == 0
    assert run_due(NIGHT + LOST + MINUTE) == 1
    job = Job.objects.get()
    assert (job.status, job.item_count) == (Job.Status.RUNNING, 20)
    assert said(nightly)[0] == "started"
    assert fresh(nightly).takes == 0


def test_but_not_where_its_job_had_begun(nightly, triage):
    assert fresh(nightly).take(NIGHT)
    job = Job.objects.create(
        version=triage, schedule=nightly, source={}, created_at=NIGHT + MINUTE, status=Job.Status.FINISHED
    )
    assert run_due(NIGHT + LOST + MINUTE) == 0
    assert said(nightly)[1].startswith(f"Job {job.pk}:")


def test_a_run_that_kills_its_worker_each_time_is_not_started_for_ever(nightly):
    now = NIGHT
    for _ in range(MOST_TAKES):
        assert fresh(nightly).take(now)
        now += LOST + MINUTE
    assert run_due(now) == 0
    assert not fresh(nightly).active
    assert "ended its worker each time" in said(nightly)[1]


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


# --- Who is told


def test_trouble_is_told_by_mail_and_once(triage, tickets, ada, provider, mailoutbox):
    schedule = make(triage, ada, tell="ada@example.com, bob@example.com\nada@example.com")
    provider.when(lambda request: request.body["messages"][1]["content"] == tickets[3].text, Refusal())
    run_due(NIGHT)
    job = Job.objects.get()
    assert tell_of_runs() == 0
    work(job.pk)
    assert (tell_of_runs(), tell_of_runs()) == (1, 0)
    [mail] = mailoutbox
    assert mail.to == ["ada@example.com", "bob@example.com"]
    assert mail.subject == f"“{schedule}”: job {job.pk} is finished"
    assert "of 20 rows 19 succeeded and 1 failed, for $" in mail.body


def test_a_run_that_goes_well_is_told_only_to_those_who_want_to_hear_it(triage, tickets, ada, provider, mailoutbox):
    make(triage, ada, name="Quiet", tell="ada@example.com")
    make(triage, ada, name="Talkative", tell="bob@example.com", tell_of="always")
    run_due(NIGHT)
    for job in Job.objects.all():
        work(job.pk)
    assert tell_of_runs() == 1
    assert [mail.to for mail in mailoutbox] == [["bob@example.com"]]


def test_a_run_that_is_paused_at_night_is_told_and_its_end_too(triage, tickets, ada, provider, mailoutbox):
    make(triage, ada, tell="ada@example.com", tell_of="always")
    run_due(NIGHT)
    job = Job.objects.get()
    job.pause("The budget is spent.")
    tell_of_runs()
    assert "The budget is spent." in mailoutbox[0].body
    job.resume()
    work(job.pk)
    tell_of_runs()
    assert [mail.subject.rpartition(" ")[2] for mail in mailoutbox] == ["paused", "finished"]


def test_each_pause_is_told_and_an_end_after_a_retry_again(triage, tickets, ada, provider, mailoutbox):
    make(triage, ada, tell="ada@example.com", tell_of="always")
    provider.when(lambda request: request.body["messages"][1]["content"] == tickets[3].text, Refusal(), times=1)
    run_due(NIGHT)
    job = Job.objects.get()
    for because in ("The budget is spent.", "The account has no credit left."):
        job.pause(because)
        assert (tell_of_runs(), tell_of_runs()) == (1, 0)
        assert because in mailoutbox[-1].body
        job.resume()
    work(job.pk)
    assert tell_of_runs() == 1
    retry_failed(job)
    work(job.pk)
    assert tell_of_runs() == 1
    assert "of 20 rows 20 succeeded and 0 failed" in mailoutbox[-1].body


def test_whoever_wants_to_be_told_from_now_on_is_not_told_of_all_that_was(triage, tickets, ada, provider, mailoutbox):
    schedule = make(triage, ada)
    run_due(NIGHT)
    Job.objects.update(status=Job.Status.FINISHED)
    assert tell_of_runs() == 0
    JobSchedule.objects.update(tell="ada@example.com", tell_of="always")
    assert tell_of_runs() == 0
    run_due(NIGHT + DAY)
    Job.objects.update(status=Job.Status.FINISHED)
    assert tell_of_runs() == 1
    assert f"job {schedule.jobs.latest('pk').pk} is" in mailoutbox[0].subject


def test_a_run_that_was_refused_is_told(nightly, mailoutbox):
    JobSchedule.objects.update(tell="ada@example.com", version="gone")
    run_due(NIGHT)
    [mail] = mailoutbox
    assert mail.subject == "“Nightly” did not run"
    assert 'has no label "gone"' in mail.body


def test_a_mail_that_does_not_leave_stops_nothing(nightly, triage, ada, settings, caplog):
    JobSchedule.objects.update(tell="ada@example.com", version="gone")
    make(triage, ada, name="The other")
    settings.DEFAULT_FROM_EMAIL = "shop\n@example.com"
    assert run_due(NIGHT) == 1
    assert "could not be told" in caplog.text


# --- At the door


@pytest.mark.parametrize(
    ("changed", "field", "why"),
    [
        ({"cron": "", "every": None}, "cron", "either a cron expression or a number of minutes"),
        ({"every": 5}, "cron", "either a cron expression or a number of minutes"),
        ({"cron": "61 * * * *"}, "cron", "Bad minute"),
        ({"cron": "0 0 31 4 *"}, "cron", "Bad day-of-month"),
        ({"cron": "", "every": 0}, "every", "greater than or equal to 1"),
        ({"cron": "", "every": 2**31 - 1}, "every", "less than or equal to 527040"),
        ({"time_zone": "Berlin"}, "time_zone", "There is no time zone “Berlin”"),
        ({"version": "staging"}, "version", 'has no label "staging"'),
        ({"version": "99"}, "version", "has no version 99"),
        ({"connection": "nowhere"}, "connection", "nowhere"),
        ({"row_model": "helpdesk.Tickets"}, "row_model", "did you mean “helpdesk.Ticket”"),
        ({"row_model": "auth.User"}, "row_model", "has no source"),
        ({"filters": "colour=red"}, "filters", "has no field “colour”"),
        ({"filters": "category=card\nlanguage"}, "filters", "has no value"),
        ({"list_query": "colour__exact=red"}, "list_query", "has no filter"),
        ({"only": "empty"}, "empty", "Say which field is empty"),
        ({"only": "empty", "empty": "colour"}, "empty", "has no field “colour”"),
        ({"only": "sometimes"}, "only", "not a valid choice"),
        ({"most_cost": 0}, "most_cost", "greater than or equal to 1"),
        ({"most_rows": 0}, "most_rows", "greater than or equal to 1"),
        ({"tell": "ada@example.com, bob"}, "tell", "“bob” is no address"),
        ({"owner": None}, "owner", "has no owner"),
    ],
)
def test_what_could_not_run_is_not_kept(triage, ada, provider, changed, field, why):
    with pytest.raises(ValidationError) as refused:
        make(triage, ada, **changed)
    assert why in " ".join(refused.value.message_dict[field])
    assert not JobSchedule.objects.exists()


def test_a_version_that_asks_for_what_the_rows_do_not_have_is_not_kept(triage, ada, provider):
    triage.prompt.add_version(messages=[{"role": "user", "content": "{{ password }}"}]).publish()
    with pytest.raises(ValidationError) as refused:
        make(triage, ada)
    assert "“password”" in refused.value.message_dict["prompt"][0]


def test_an_owner_who_may_not_is_not_kept(triage, provider):
    bob = User.objects.create_user("bob")
    with pytest.raises(ValidationError) as refused:
        make(triage, bob)
    assert "bob may not run jobs" in refused.value.message_dict["owner"][0]
    with pytest.raises(ValidationError) as refused:
        make(triage, may(bob, "aiops.run_job"))
    assert "bob may not view helpdesk.Ticket" in refused.value.message_dict["owner"][0]
