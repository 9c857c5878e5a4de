"""Who is told of a run by mail, and of what."""

import pytest

from aiops.gateway.testing import Refusal
from aiops.jobs.control import retry_failed
from aiops.jobs.models import Job
from aiops.jobs.schedules.due import run_due
from aiops.jobs.schedules.model import JobSchedule
from aiops.jobs.schedules.telling import tell_of_runs
from aiops.jobs.tasks import work
from tests.jobs.schedules.nightly import DAY, NIGHT, make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


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
