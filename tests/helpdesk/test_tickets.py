"""Tickets: what prompts may read and fill of them, and who may do what in the admin."""

from __future__ import annotations

import csv
import json
from io import BytesIO, StringIO
from pathlib import Path

import openpyxl
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import reverse

from aiops.resources import source_of
from project.helpdesk.models import Ticket
from project.helpdesk.resources import TicketTarget

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    def log_in(*permissions):
        user = get_user_model().objects.create_user(f"staff-{len(permissions)}", is_staff=True)
        for permission in permissions:
            app, codename = permission.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        client.force_login(user)
        return client

    return log_in


def test_only_what_the_customer_wrote_may_leave_the_building():
    assert source_of(Ticket).reader().names == {"subject", "text"}


def test_a_ticket_is_filled_by_what_the_triage_schema_answers():
    schema = json.loads((FIXTURES / "schemas" / "ticket-triage.json").read_text())
    answers = schema["body"]["properties"]
    assert set(TicketTarget.Meta.fields) - {"id"} <= set(answers)
    assert answers["category"]["enum"] == Ticket.Category.values
    assert answers["priority"]["enum"] == Ticket.Priority.values
    longest = Ticket._meta.get_field("language").max_length
    assert all(len(language) <= longest for language in answers["language"]["enum"])


@pytest.mark.parametrize(
    ("permissions", "page", "status"),
    [
        ([], "changelist", 403),
        (["helpdesk.view_ticket"], "changelist", 200),
        (["helpdesk.view_ticket"], "export", 200),
        (["helpdesk.view_ticket"], "import", 403),
        (["helpdesk.view_ticket", "helpdesk.change_ticket"], "import", 403),
        (["helpdesk.view_ticket", "helpdesk.change_ticket", "helpdesk.add_ticket"], "import", 200),
        ([], "export", 403),
        ([], "import", 403),
    ],
)
def test_files_go_in_and_out_only_by_those_who_may(staff, permissions, page, status):
    assert staff(*permissions).get(reverse(f"admin:helpdesk_ticket_{page}")).status_code == status


def test_tickets_are_found_by_their_words_and_told_apart_by_filters(staff):
    Ticket.objects.create(subject="Card", text="My card was stolen", category="card")
    Ticket.objects.create(subject="Cash", text="The machine gave no cash")
    client = staff("helpdesk.view_ticket")
    page = reverse("admin:helpdesk_ticket_changelist")

    def subjects(**query):
        return [ticket.subject for ticket in client.get(page, query).context["cl"].result_list]

    assert subjects() == ["Cash", "Card"]
    assert subjects(q="stolen") == ["Card"]
    assert subjects(category__exact="card") == ["Card"]


@pytest.fixture
def export(staff):
    client = staff("helpdesk.view_ticket")
    address = reverse("admin:helpdesk_ticket_export")
    fields = ("id", "subject", "text", "category", "priority", "language", "intent")

    def as_file(kind):
        names = [name for _, name in client.get(address).context["form"].fields["format"].choices]
        chosen = {f"ticketfile_{field}": "on" for field in fields}
        return client.post(address, {"format": names.index(kind) - 1, "resource": "0", **chosen})

    return as_file


FORMULA = '=HYPERLINK("http://example.org","refund")'


def test_what_a_customer_wrote_is_no_formula_in_a_spreadsheet(export):
    Ticket.objects.create(subject="Refund", text=FORMULA)
    (row,) = csv.DictReader(StringIO(export("csv").content.decode()))
    assert row["text"] == f"'{FORMULA}"
    sheet = openpyxl.load_workbook(BytesIO(export("xlsx").content)).active
    assert [cell.value for cell in sheet[2]][2] == f"'{FORMULA}"
    assert {cell.data_type for cell in sheet[2]} <= {"s", "n", "inlineStr"}


def test_json_has_every_text_as_it_is(export):
    Ticket.objects.create(subject="Refund", text=FORMULA)
    (row,) = json.loads(export("json").content)
    assert row["text"] == FORMULA


def test_a_text_too_long_for_a_cell_is_refused_and_not_cut(export):
    Ticket.objects.create(subject="Long", text="a" * 40_000)
    answer = export("xlsx")
    assert "take the results as CSV or JSON" in answer.content.decode()


def test_tickets_come_in_from_a_file_and_a_bad_one_is_shown(staff):
    client = staff("helpdesk.view_ticket", "helpdesk.add_ticket", "helpdesk.change_ticket")
    address = reverse("admin:helpdesk_ticket_import")
    names = [name for _, name in client.get(address).context["form"].fields["format"].choices]

    def preview(text):
        file = BytesIO(text.encode())
        file.name = "tickets.csv"
        return client.post(address, {"import_file": file, "format": names.index("csv") - 1, "resource": "0"})

    refused = preview("id,subject,text,category\n,Card,Where?,elephant\n")
    assert "is not a valid choice" in refused.content.decode()
    shown = preview("id,subject,text,category\n,Card,Where?,card\n")
    confirm = shown.context["confirm_form"].initial
    client.post(reverse("admin:helpdesk_ticket_process_import"), confirm)
    assert Ticket.objects.get().category == "card"
