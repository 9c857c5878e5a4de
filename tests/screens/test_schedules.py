"""The pages of schedules: writing one, whose it may be, and what it says of its runs."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from aiops.jobs.models import Job
from aiops.jobs.schedules.due import run_due
from aiops.jobs.schedules.model import JobSchedule
from aiops.ledger.models import Budget
from project.helpdesk.models import Ticket

pytestmark = pytest.mark.django_db

LIST, ADD = "/admin/aiops/jobschedule/", "/admin/aiops/jobschedule/add/"
RUNNER = ("aiops.run_job", "aiops.view_job", "aiops.view_item", "helpdesk.view_ticket")


@pytest.fixture(autouse=True)
def _production(version):
    version.publish()


@pytest.fixture
def runner(sign_in, provider):
    return sign_in(*RUNNER)


def page(schedule):
    return reverse("admin:aiops_jobschedule_change", args=[schedule.pk])


def written(of, /, **changed):
    """What a person writes."""
    return {
        "name": "Nightly triage",
        "active": "on",
        "prompt": of.prompt_id,
        "version": "production",
        "connection": "",
        "model": "",
        "row_model": "helpdesk.Ticket",
        "list_query": "",
        "filters": "",
        "only": "changed",
        "empty": "",
        "most_rows": "",
        "cron": "30 2 * * 1-5",
        "every": "",
        "time_zone": "Europe/Berlin",
        "overlap": "skip",
        "most_dollars": "2.5",
        "most_failures": "10",
        "tell": "ada@example.com",
        "tell_of": "trouble",
        **changed,
    }


def errors_of(answer):
    return {name: " ".join(found) for name, found in answer.context["adminform"].form.errors.items()}


def test_an_empty_list_says_what_to_do(runner, sign_in):
    html = runner.get(LIST).content.decode()
    assert "No schedule yet." in html and f'href="{ADD}"' in html
    assert f'href="{ADD}"' not in sign_in("aiops.view_jobschedule").get(LIST).content.decode()


def test_a_schedule_is_written_and_its_next_runs_are_shown(runner, version):
    answer = runner.post(ADD, written(version), follow=True)
    assert answer.redirect_chain, errors_of(answer)
    schedule = JobSchedule.objects.get()
    assert (schedule.owner, schedule.most_cost, schedule.most_failures) == (runner.user, 2_500_000_000, 10)
    assert schedule.next_at == schedule.next_runs(timezone.now())[0] > timezone.now()
    html = runner.get(page(schedule)).content.decode()
    times = re.findall(r"<li>(\w{3}) [^<]* (?:CET|CEST)</li>", html)
    assert len(times) == 5 and not {"Sat", "Sun"} & set(times)
    assert 'name="most_dollars" value="2.5' in html
    assert "30 2 * * 1-5" in runner.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("changed", "field", "why"),
    [
        ({"cron": "61 * * * *"}, "cron", "Bad minute"),
        ({"cron": "", "every": ""}, "cron", "either a cron expression or a number of minutes"),
        ({"time_zone": "Mars"}, "time_zone", "not one of the available choices"),
        ({"version": "staging"}, "version", "has no label"),
        ({"filters": "colour=red"}, "filters", "has no field “colour”"),
        ({"list_query": "colour=red"}, "list_query", "has no filter"),
        ({"row_model": "auth.User"}, "row_model", "not one of the available choices"),
        ({"most_dollars": "0"}, "most_dollars", "greater than or equal to"),
        ({"tell": "ada"}, "tell", "“ada” is no address"),
        ({"only": "empty"}, "empty", "Say which field is empty"),
    ],
)
def test_what_could_not_run_is_refused_beside_its_field(runner, version, changed, field, why):
    answer = runner.post(ADD, written(version, **changed))
    assert why in errors_of(answer)[field]
    assert not JobSchedule.objects.exists()


def test_whoever_may_not_see_the_rows_is_told_so(sign_in, version, provider):
    answer = sign_in("aiops.run_job").post(ADD, written(version))
    assert "may not view helpdesk.Ticket" in errors_of(answer)["__all__"]


def test_only_a_superuser_makes_it_somebody_elses(runner, boss, version):
    other = User.objects.create_superuser("other")
    runner.post(ADD, written(version, owner=other.pk))
    assert JobSchedule.objects.get().owner == runner.user
    assert 'name="owner"' not in runner.get(ADD).content.decode()
    boss.post(ADD, written(version, name="Theirs", owner=other.pk))
    assert JobSchedule.objects.get(name="Theirs").owner == other


def test_somebody_elses_is_only_to_look_at(runner, sign_in, version):
    runner.post(ADD, written(version))
    schedule = JobSchedule.objects.get()
    stranger = sign_in(*RUNNER)
    html = stranger.get(page(schedule)).content.decode()
    assert "Nightly triage" in html and 'name="cron"' not in html
    assert stranger.post(page(schedule), written(version, name="Mine now")).status_code == 403
    delete = reverse("admin:aiops_jobschedule_delete", args=[schedule.pk])
    assert stranger.post(delete, {"post": "yes"}).status_code == 403
    stranger.post(LIST, {"action": "delete_selected", "_selected_action": [schedule.pk], "post": "yes"})
    assert JobSchedule.objects.get().name == "Nightly triage"
    assert runner.post(delete, {"post": "yes"}).status_code == 302
    assert not JobSchedule.objects.exists()


def test_whoever_may_not_run_jobs_writes_none(sign_in, version, provider):
    viewer = sign_in("aiops.view_jobschedule", "aiops.add_jobschedule", "aiops.view_job", "helpdesk.view_ticket")
    assert viewer.get(LIST).status_code == 200
    assert viewer.post(ADD, written(version)).status_code == 403
    assert sign_in("aiops.view_job").get(LIST).status_code == 403


def test_saving_leaves_alone_what_a_run_has_written_meanwhile(runner, version):
    runner.post(ADD, written(version))
    schedule = JobSchedule.objects.get()
    JobSchedule.objects.update(taken_at=timezone.now(), takes=1, outcome="started", outcome_text="Job 7")
    runner.post(page(schedule), written(version, name="Renamed"))
    after = JobSchedule.objects.get()
    assert (after.name, after.takes, after.outcome_text, after.next_at) == ("Renamed", 1, "Job 7", schedule.next_at)


def test_another_time_is_planned_at_once_and_what_is_switched_off_says_so(runner, version):
    runner.post(ADD, written(version))
    schedule = JobSchedule.objects.get()
    runner.post(page(schedule), written(version, cron="", every="15"))
    soon = JobSchedule.objects.get().next_at - timezone.now()
    assert timedelta(minutes=10) < soon <= timedelta(minutes=15)
    runner.post(page(schedule), written(version, active=""))
    assert "switched off" in runner.get(LIST).content.decode()
    assert "none: it is switched off" in runner.get(page(schedule)).content.decode()


def test_what_came_of_a_run_is_on_its_page_with_the_way_to_its_jobs(runner, version):
    Ticket.objects.create(subject="Lost", text="My card is lost")
    Budget.objects.get_or_create(name="Everything", defaults={"cap": 20_000_000_000})
    runner.post(ADD, written(version, model="gpt-6-luna"))
    schedule = JobSchedule.objects.get()
    JobSchedule.objects.update(next_at=timezone.now() - timedelta(minutes=1))
    assert run_due(timezone.now()) == 1
    job = Job.objects.get()
    html = runner.get(page(schedule)).content.decode()
    assert f"Job {job.pk}: " in html
    jobs = f"/admin/aiops/job/?schedule={schedule.pk}"
    assert f'href="{jobs}"' in html
    assert f"/admin/aiops/job/{job.pk}/change/" in runner.get(jobs).content.decode()
    assert f'href="{page(schedule)}"' in runner.get(f"/admin/aiops/job/{job.pk}/change/").content.decode()
    JobSchedule.objects.update(outcome="refused", outcome_text="The account has no credit left.")
    assert "The last run was refused:" in runner.get(page(schedule)).content.decode()


def test_the_page_of_a_version_names_the_schedules_that_ask_it(runner, boss, sign_in, version):
    kept = {"prompt": version.prompt, "owner": runner.user, "cron": "0 2 * * *"}
    JobSchedule.objects.create(name="By its label", **kept)
    JobSchedule.objects.create(name="By its number", version="1", **kept)
    JobSchedule.objects.create(name="By another label", version="staging", **kept)
    JobSchedule.objects.create(name="No more", active=False, **kept)
    address = reverse("admin:prompts_promptversion_change", args=[version.pk])
    html = boss.get(address).content.decode()
    assert "By its label" in html and "By its number" in html
    assert "By another label" not in html and "No more" not in html
    author = sign_in("prompts.view_promptversion", "aiops.view_job", "aiops.view_call")
    assert "By its label" not in author.get(address).content.decode()


def test_the_list_takes_no_more_queries_for_more_schedules(runner, version, django_assert_max_num_queries):
    for n in range(12):
        JobSchedule.objects.create(name=f"Schedule {n}", prompt=version.prompt, owner=runner.user, cron="0 2 * * *")
    runner.get(LIST)
    # Session, user, what it may (two), schedules, how many (two).
    with django_assert_max_num_queries(7):
        runner.get(LIST)


def test_a_job_over_a_filtered_list_is_saved_as_a_schedule(runner, version):
    """From the list to a job, from the job to a schedule: the filters are made anew at each run."""
    for category in ("card", "card", "cash"):
        Ticket.objects.create(subject="Lost", text=f"My {category} is lost", category=category)
    address = "/admin/helpdesk/ticket/?category__exact=card"
    chosen = {"action": "run_prompt", "select_across": "1", "_selected_action": [Ticket.objects.first().pk]}
    choices = {"prompt": "triage-ticket", "version": "production", "most_failures": "5", "most_cost": "0.5"}
    quoted = runner.post(address, {**chosen, **choices, "step": "quote"})
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', quoted.content.decode()))
    hidden |= {name: str(field.value()) for name, field in ((f.name, f) for f in quoted.context["confirm"])}
    runner.post(address, {**hidden, "step": "run"})
    job = Job.objects.get()
    assert job.source == {
        "kind": "model",
        "model": "helpdesk.Ticket",
        "list": "category__exact=card",
        "empty": "",
        "limit": None,
    }
    assert "Save as schedule" not in runner.get(f"/admin/aiops/job/{job.pk}/change/").content.decode()
    job.stop(now=timezone.now())
    html = runner.get(f"/admin/aiops/job/{job.pk}/change/").content.decode()
    assert f'href="{ADD}?job={job.pk}"' in html
    form = runner.get(f"{ADD}?job={job.pk}").context["adminform"].form
    got = {name: form[name].value() for name in ("prompt", "version", "list_query", "row_model", "most_failures")}
    assert got == {
        "prompt": version.prompt_id,
        "version": "production",
        "list_query": "category__exact=card",
        "row_model": "helpdesk.Ticket",
        "most_failures": 5,
    }
    assert form["most_dollars"].value() == "0.5"


def test_run_again_is_a_quote_first_and_then_a_job(runner, version):
    """From the page of a job that is over, with its settings filled in."""
    tickets = [Ticket.objects.create(subject="Lost", text=f"My card {n} is lost") for n in range(3)]
    from aiops.jobs.sources import model_source
    from aiops.jobs.start import start_job

    job = start_job(version, model_source("helpdesk.Ticket"), user=runner.user, most_failures=4)
    job.items.update(status="succeeded")
    job.stop(now=timezone.now())
    job.finish(now=timezone.now())
    Ticket.objects.filter(pk=tickets[1].pk).update(text="Another text")
    address = f"/admin/aiops/job/{job.pk}/"
    html = runner.get(f"{address}change/").content.decode()
    assert "1 row has changed since it was answered." in html
    changed = runner.get(f"{address}changed/").content.decode()
    assert f">{tickets[1].pk}<" in changed and f">{tickets[0].pk}<" not in changed
    form = runner.get(f"{address}again/?rows=changed").context["form"]
    assert {name: form[name].value() for name in ("which", "prompt", "version", "most_failures")} == {
        "which": "changed",
        "prompt": "triage-ticket",
        "version": "1",
        "most_failures": 4,
    }
    data = {name: form[name].value() or "" for name in form.fields}
    quoted = runner.post(f"{address}again/", {**data, "step": "quote"})
    assert quoted.context["quote"].rows == 1, quoted.context["form"].errors
    assert Job.objects.count() == 1
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', quoted.content.decode()))
    runner.post(f"{address}again/", {**hidden, "step": "run"})
    again = Job.objects.latest("pk")
    assert (again.again_of, again.item_count, again.most_failures) == (job, 1, 4)
    assert f'href="{address}change/"' in runner.get(f"/admin/aiops/job/{again.pk}/change/").content.decode()
