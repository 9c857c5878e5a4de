"""Each is started when it is due, once, whatever the others do."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from aiops.jobs.models import Job
from aiops.jobs.schedules.due import run_due
from aiops.jobs.schedules.model import LOST, MOST_TAKES, JobSchedule
from aiops.jobs.tasks import sweep
from aiops.stops.switch import go_on, stop_all
from project.helpdesk.models import Ticket
from tests.jobs.schedules.nightly import DAY, MINUTE, NIGHT, fresh, make, may, said

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


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
