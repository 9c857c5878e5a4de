"""What a row held and what was answered is shown to those whose it is, at every door; to others only numbers."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext, isolate_apps
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from aiops.jobs import outcomes
from aiops.jobs.admin.reading import NOT_THEIRS, readable
from aiops.jobs.models import Job
from project.helpdesk.admin import TicketAdmin
from project.helpdesk.models import Ticket
from tests.screens.rows import CUT_OFF, make_job

VIEWER = ("aiops.view_job", "aiops.view_item")
LIST = "/admin/aiops/item/"
QUESTION = "where is my money"
HELD = (QUESTION, "refund", CUT_OFF)
"""Something of what was asked, of what was answered, and of an error."""


@pytest.fixture
def tickets(db):
    return [Ticket.objects.create(pk=number, subject=f"Ticket {number}", text="…") for number in (1, 2, 3)]


@pytest.fixture
def job(version, tickets):
    """Over three tickets: two answered, one failed."""
    kind = ContentType.objects.get_for_model(Ticket)
    return make_job(version, status=Job.Status.FINISHED, succeeded=2, failed=1, row_type=kind)


@pytest.fixture
def file_job(version, sign_in):
    starter = sign_in(*VIEWER)
    return make_job(version, status=Job.Status.FINISHED, succeeded=2, failed=1, user=starter.user), starter


def address(job: Job, name: str) -> str:
    return reverse(f"admin:aiops_job_{name}", args=(job.pk,))


def text_of(answer) -> str:
    assert answer.status_code == 200
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if "spreadsheet" in answer.headers["Content-Type"]:
        rows = load_workbook(io.BytesIO(body)).active.iter_rows(values_only=True)
        return "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in rows)
    return body.decode()


def page(client, job: Job) -> str:
    return text_of(client.get(address(job, "change")))


def progress(client, job: Job) -> str:
    return client.get(address(job, "progress")).json()["rows"]


def listed(client, job: Job) -> str:
    return text_of(client.get(LIST, {"job": job.pk}))


def items(client, job: Job) -> str:
    pages = [reverse("admin:aiops_item_change", args=(item.pk,)) for item in job.items.order_by("position")]
    return "".join(text_of(client.get(each)) for each in pages)


def downloaded(client, job: Job) -> str:
    return "".join(text_of(client.get(address(job, f"results_{kind}"))) for kind in ("csv", "json", "xlsx"))


DOORS = {"page": page, "progress": progress, "list": listed, "items": items, "downloads": downloaded}
every_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


def found(text: str, door) -> set[str]:
    # The list shows answers and errors, not what was asked.
    return {held for held in HELD if held in text} | ({QUESTION} if door is listed and "refund" in text else set())


@every_door
def test_what_rows_held_is_shown_to_those_who_may_read_any_of_it(sign_in, job, door):
    assert found(door(sign_in(*VIEWER, "aiops.view_call_body"), job), door) == set(HELD)


@every_door
def test_it_is_shown_to_those_who_may_see_the_rows(sign_in, job, door):
    assert found(door(sign_in(*VIEWER, "helpdesk.view_ticket"), job), door) == set(HELD)


@every_door
def test_it_is_shown_to_nobody_else(sign_in, job, door):
    text = door(sign_in(*VIEWER, "aiops.view_call", "aiops.view_budget", "aiops.run_job"), job)
    assert found(text, door) == set()
    assert "cut off" in text or "cut_off" in text
    assert str(NOT_THEIRS) in text or door is downloaded


@every_door
def test_it_is_shown_row_by_row(sign_in, job, door, monkeypatch):
    job.items.filter(position=2).update(data={"category": "second"})
    given = TicketAdmin.get_queryset
    monkeypatch.setattr(TicketAdmin, "get_queryset", lambda self, request: given(self, request).filter(pk=2))
    text = door(sign_in(*VIEWER, "helpdesk.view_ticket"), job)
    assert "second" in text
    assert "refund" not in text and CUT_OFF not in text


@every_door
def test_a_row_that_its_admin_lets_nobody_view_is_not_shown(sign_in, job, door, monkeypatch):
    may = TicketAdmin.has_view_permission
    monkeypatch.setattr(
        TicketAdmin,
        "has_view_permission",
        lambda self, request, obj=None: may(self, request, obj) and (obj is None or obj.pk == 3),
    )
    assert found(door(sign_in(*VIEWER, "helpdesk.view_ticket"), job), door) == {CUT_OFF} | (
        {QUESTION} if door is not listed else set()
    )


@every_door
def test_rows_that_are_gone_are_nobodys(sign_in, job, door):
    Ticket.objects.all().delete()
    assert found(door(sign_in(*VIEWER, "helpdesk.view_ticket"), job), door) == set()
    assert found(door(sign_in(*VIEWER, "aiops.view_call_body"), job), door) == set(HELD)


@every_door
def test_rows_of_a_model_without_an_admin_are_nobodys(sign_in, job, door, monkeypatch):
    monkeypatch.delitem(admin.site._registry, Ticket)
    assert found(door(sign_in(*VIEWER, "helpdesk.view_ticket"), job), door) == set()


@every_door
def test_rows_of_a_model_that_is_no_longer_known_are_nobodys(sign_in, job, door):
    starter = sign_in(*VIEWER, "helpdesk.view_ticket")
    Job.objects.update(row_type=None, user=starter.user)
    assert found(door(starter, job), door) == set()


@every_door
def test_a_file_is_for_whoever_started_the_job(sign_in, file_job, door):
    job, starter = file_job
    assert found(door(starter, job), door) == set(HELD)
    assert found(door(sign_in(*VIEWER, "aiops.run_job", "helpdesk.view_ticket"), job), door) == set()
    assert found(door(sign_in(*VIEWER, "aiops.view_call_body"), job), door) == set(HELD)


def test_the_numbers_of_a_row_and_what_to_do_stay_visible(sign_in, job):
    text = " ".join(items(sign_in(*VIEWER), job).split())
    assert "Add a version with a higher output limit" in text and "1,234 / 25" in text
    assert "It is shown to those who may see the row itself" in text


def test_a_download_keeps_the_rows_and_empties_what_they_held(sign_in, job):
    reader = sign_in(*VIEWER)
    text = text_of(reader.get(address(job, "results_csv"))).lstrip("\ufeff")
    assert list(csv.reader(text.splitlines())) == [
        ["row", "key", "text", "answer", "status", "error_kind", "error", "tokens_in", "tokens_out", "cost"],
        ["1", "1", "", "", "succeeded", "", "", "1234", "25", "0.000412000"],
        ["2", "2", "", "", "succeeded", "", "", "1234", "25", "0.000412000"],
        ["3", "3", "", "", "failed", "cut_off", "", "1234", "25", "0.000412000"],
    ]
    third = json.loads(text_of(reader.get(address(job, "results_json"))))[2]
    assert (third["variables"], third["data"], third["text"], third["error"]) == ({"text": None}, None, "", None)


def test_without_the_permission_to_see_items_a_job_is_numbers(sign_in, job):
    client = sign_in("aiops.view_job", "aiops.view_call_body", "helpdesk.view_ticket", "aiops.change_item")
    text = page(client, job)
    assert "3 of 3, 100 %" in text and "cut off" in text
    assert not found(text, page) and "#1" not in text and LIST not in text
    assert progress(client, job).strip() == ""
    assert client.get(LIST).status_code == 403
    assert client.get(reverse("admin:aiops_item_change", args=(job.items.first().pk,))).status_code == 403


@pytest.mark.parametrize(
    "lookup",
    [
        "error_text__icontains",
        "text__startswith",
        "variables__icontains",
        "data__icontains",
        "row_key__startswith",
        "job__user__password__startswith",
    ],
)
def test_nobody_can_guess_what_a_row_held_by_filtering_by_it(sign_in, job, lookup):
    assert sign_in(*VIEWER).get(LIST, {lookup: "a"}).status_code == 400


def test_a_search_finds_nothing_out(sign_in, job):
    assert len(sign_in(*VIEWER).get(LIST, {"q": "refund"}).context["cl"].result_list) == 3


@pytest.mark.parametrize(
    ("door", "all_in_all"),
    [
        # Session, user, permissions, job, ends, rows under way, slices, failing, newest, tickets, calls.
        (page, 13),
        # Session, user, permissions, count, items, tickets, jobs of the filter.
        (listed, 10),
    ],
)
def test_whose_the_rows_are_is_one_query_for_all_of_a_page(sign_in, version, tickets, door, all_in_all):
    kind = ContentType.objects.get_for_model(Ticket)
    job = make_job(version, status=Job.Status.FINISHED, succeeded=30, failed=10, row_type=kind)
    client = sign_in(*VIEWER, "helpdesk.view_ticket")
    door(client, job)
    with CaptureQueriesContext(connection) as queries:
        door(client, job)
    assert len([query for query in queries if 'FROM "helpdesk_ticket"' in query["sql"]]) == 1
    assert len(queries) == all_in_all


def test_a_download_asks_once_a_chunk(sign_in, version, tickets, monkeypatch):
    monkeypatch.setattr(outcomes, "CHUNK", 20)
    kind = ContentType.objects.get_for_model(Ticket)
    job = make_job(version, status=Job.Status.FINISHED, succeeded=50, row_type=kind)
    client = sign_in(*VIEWER, "helpdesk.view_ticket")
    with CaptureQueriesContext(connection) as queries:
        text = text_of(client.get(address(job, "results_csv")))
    assert len([query for query in queries if 'FROM "helpdesk_ticket"' in query["sql"]]) == 3
    assert text.count("refund") == 3 and len(text.splitlines()) == 51


# --- Having rows sent again


def test_rows_of_a_model_are_sent_again_by_those_who_may_view_it(sign_in, job):
    Job.objects.update(status=Job.Status.STOPPED)
    outsider, insider = (sign_in("aiops.view_job", "aiops.run_job", *more) for more in ((), ("helpdesk.view_ticket",)))
    for name in ("resume", "retry"):
        assert address(job, name) not in page(outsider, job)
        assert outsider.post(address(job, name)).status_code == 403
    job.refresh_from_db()
    assert job.status == Job.Status.STOPPED
    for name in ("resume", "retry"):
        assert address(job, name) in page(insider, job)
    assert insider.post(address(job, "resume")).status_code == 302
    job.refresh_from_db()
    assert job.status == Job.Status.RUNNING


def test_rows_of_a_model_that_the_site_does_not_show_are_sent_again_by_those_who_may_view_it(sign_in, job):
    Job.objects.update(status=Job.Status.STOPPED)
    outsider, insider = (sign_in("aiops.view_job", "aiops.run_job", *more) for more in ((), ("helpdesk.view_ticket",)))
    admin.site.unregister(Ticket)
    try:
        assert outsider.post(address(job, "resume")).status_code == 403
        assert insider.post(address(job, "resume")).status_code == 302
    finally:
        admin.site.register(Ticket, TicketAdmin)


def test_rows_of_a_model_that_is_gone_are_sent_again_by_those_who_may_read_them(sign_in, job):
    Job.objects.update(status=Job.Status.STOPPED, row_type=None)
    job.items.update(row_key="7")
    outsider, reader = (sign_in("aiops.view_job", "aiops.run_job", *more) for more in ((), ("aiops.view_call_body",)))
    assert outsider.post(address(job, "resume")).status_code == 403
    assert reader.post(address(job, "resume")).status_code == 302


def test_rows_of_a_file_become_another_job_only_for_those_who_may_read_them(sign_in, file_job):
    job, starter = file_job
    runs = ("aiops.view_job", "aiops.view_item", "aiops.run_job", "aiops.view_call")
    outsider, reader = sign_in(*runs), sign_in(*runs, "aiops.view_call_body")
    starter = sign_in(*runs)
    Job.objects.update(user=starter.user, ended_at=timezone.now())
    assert address(job, "again") not in page(outsider, job)
    assert outsider.get(address(job, "again")).status_code == 403
    assert outsider.post(address(job, "again"), {"which": "same"}).status_code == 403
    for other in (starter, reader):
        assert address(job, "again") in page(other, job)
        assert other.get(address(job, "again")).status_code == 200


@isolate_apps("project.helpdesk")
def test_rows_are_read_by_those_to_whom_the_admin_of_a_proxy_gives_them(sign_in, job, rf):
    class Urgent(Ticket):
        class Meta:
            proxy = True
            app_label = "helpdesk"

    class UrgentAdmin(admin.ModelAdmin):
        def has_view_permission(self, request, obj=None):
            return True

        def get_queryset(self, request):
            return super().get_queryset(request).filter(pk=2)

    site = admin.AdminSite("urgent")
    site.register(Urgent, UrgentAdmin)
    request = rf.get("/")
    request.user = sign_in(*VIEWER).user
    assert readable(site, request, job.items.all()) == {job.items.get(row_key="2").pk}


def test_anybody_who_runs_jobs_may_stop_one(sign_in, job):
    Job.objects.update(status=Job.Status.RUNNING)
    runner = sign_in("aiops.view_job", "aiops.run_job")
    assert address(job, "stop") in page(runner, job)
    runner.post(address(job, "stop"))
    job.refresh_from_db()
    assert job.status == Job.Status.STOPPED
