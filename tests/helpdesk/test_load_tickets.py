"""The command that fills the help desk."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from project.helpdesk.models import Ticket

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "tickets.csv"

pytestmark = pytest.mark.django_db


def load(*args: object) -> str:
    out = StringIO()
    call_command("load_tickets", *map(str, args), stdout=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path):
    def write(*rows, columns=("subject", "text", "intent"), encoding="utf-8"):
        path = tmp_path / "tickets.csv"
        with path.open("w", newline="", encoding=encoding) as opened:
            csv.writer(opened).writerows([columns, *rows])
        return path

    return write


def test_the_shipped_tickets_are_all_loaded_and_a_second_time_none():
    assert load(FIXTURE) == "500 tickets added, 0 already there.\n"
    assert load(FIXTURE) == "0 tickets added, 500 already there.\n"
    assert Ticket.objects.count() == 500
    first = Ticket.objects.order_by("pk").first()
    with FIXTURE.open(newline="", encoding="utf-8") as opened:
        row = next(csv.DictReader(opened))
    assert {"subject": first.subject, "text": first.text, "intent": first.intent} == row
    assert (first.category, first.priority, first.language) == ("", "", "")
    assert Ticket.objects.unsorted().count() == 500


def test_a_limit_loads_the_first_rows_and_a_later_call_the_rest():
    assert load(FIXTURE, "--limit", 3) == "3 tickets added, 0 already there.\n"
    assert load(FIXTURE, "--limit", 5) == "2 tickets added, 3 already there.\n"


def test_a_text_that_comes_twice_in_a_file_is_loaded_once(file):
    path = file(("Card", "Where is my card?", ""), ("Cash", "No cash", ""), ("Again", "Where is my card?", ""))
    assert load(path) == "2 tickets added, 1 already there.\n"
    assert list(Ticket.objects.order_by("pk").values_list("subject", flat=True)) == ["Card", "Cash"]


def test_ten_thousand_tickets_take_few_queries(file, django_assert_max_num_queries):
    path = file(*((f"Ticket {n}", f"Text {n}", "") for n in range(10_000)))
    with django_assert_max_num_queries(150):
        assert load(path) == "10000 tickets added, 0 already there.\n"


def test_a_file_of_a_spreadsheet_is_read_with_its_mark_at_the_beginning(file):
    assert load(file(("Größe", "Wie groß?", ""), encoding="utf-8-sig")) == "1 ticket added, 0 already there.\n"
    assert Ticket.objects.get().subject == "Größe"


@pytest.mark.parametrize(
    ("columns", "rows", "encoding", "sentence"),
    [
        (("subject", "body"), [], "utf-8", "{path} has no column text, intent: it needs subject, text, intent."),
        (("subject", "text", "intent"), [("é", "é", "")], "latin-1", "{path} is not UTF-8: save it as CSV UTF-8."),
        (
            ("subject", "text", "intent"),
            [("Fine", "Fine", ""), ("s" * 201, "Too long", "")],
            "utf-8",
            "{path}, line 3, subject: Ensure this value has at most 200 characters (it has 201). Nothing was loaded.",
        ),
        (
            ("subject", "text", "intent"),
            [("Fine", "Fine", ""), ("Empty", "", "")],
            "utf-8",
            "{path}, line 3, text: This field cannot be blank. Nothing was loaded.",
        ),
    ],
)
def test_a_bad_file_is_one_sentence_exit_code_2_and_nothing_loaded(file, columns, rows, encoding, sentence):
    path = file(*rows, columns=columns, encoding=encoding)
    with pytest.raises(CommandError) as refused:
        load(path)
    assert str(refused.value) == sentence.format(path=path)
    assert refused.value.returncode == 2
    assert not Ticket.objects.exists()


def test_a_row_that_fails_after_the_first_chunk_takes_that_chunk_back(file):
    path = file(*((f"Ticket {n}", f"Text {n}", "") for n in range(700)), ("Empty", "", ""))
    with pytest.raises(CommandError):
        load(path)
    assert not Ticket.objects.exists()


def test_a_missing_file_says_so(tmp_path):
    path = tmp_path / "none.csv"
    with pytest.raises(CommandError) as refused:
        load(path)
    assert str(refused.value) == f"{path} cannot be read (No such file or directory): name a CSV file."


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_that_is_no_number_of_rows_is_refused(limit):
    with pytest.raises(CommandError, match=f"{limit} is not a whole number from 1 to 2147483647"):
        load(FIXTURE, f"--limit={limit}")
