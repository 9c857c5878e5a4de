"""Rows of a table: chosen in words, counted, streamed, or refused with a sentence that names the choices."""

# ruff: noqa: E501 - a table reads better with one row a line
from __future__ import annotations

import datetime as dt
import os
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection, models
from django.db.models import Count, F, Value, Window
from django.db.models.functions import Length, RowNumber
from django.test.utils import isolate_apps
from import_export.fields import Field
from import_export.resources import ModelResource

from aiops.jobs.sources import (
    EmptySource,
    MissingVariables,
    ModelSource,
    SourceError,
    UnreadableRow,
    check_rows,
    check_variables,
    model_source,
)
from aiops.jobs.sources import errors as e
from aiops.jobs.sources.selection import filtered, only_empty
from aiops.resources import NotRegistered, register, unregister
from project.helpdesk.models import Ticket

DAY = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def tickets(db):
    made = [
        Ticket(
            subject=f"Ticket {number}",
            text=f"My card number {number} was declined" if number % 2 else "Where is my money?",
            category=Ticket.Category.CARD if number % 4 == 1 else "",
            created_at=DAY + dt.timedelta(days=number),
        )
        for number in range(8)
    ]
    return Ticket.objects.bulk_create(made)


def subjects(source):
    return [row.variables["subject"] for row in source.rows()]


def test_a_row_gives_its_variables_and_its_key(tickets):
    source = model_source("helpdesk.Ticket")
    assert source.variables == {"subject", "text"}
    assert source.model is Ticket
    first = next(source.rows())
    assert first.variables == {"subject": "Ticket 0", "text": "Where is my money?"}
    assert first.key == str(tickets[0].pk)


def test_rows_are_counted_and_described(tickets):
    assert model_source("helpdesk.Ticket").describe() == "8 rows of helpdesk.Ticket"
    assert model_source("helpdesk.ticket", limit=1).describe() == "1 row of helpdesk.Ticket"
    assert model_source("helpdesk.Ticket", limit=3).count() == 3


def test_what_a_job_keeps_about_its_rows(tickets):
    source = model_source(
        "helpdesk.Ticket", filters=["text__icontains=card"], order="-created_at", limit=2, empty="category"
    )
    assert source.as_json() == {
        "kind": "model",
        "model": "helpdesk.Ticket",
        "filters": ["text__icontains=card"],
        "order": "-created_at",
        "limit": 2,
        "empty": "category",
    }
    assert ModelSource(Ticket.objects.all()).as_json() == {"kind": "model", "model": "helpdesk.Ticket"}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"filters": ["category=card"]}, [1, 5]),
        ({"filters": ["text__icontains=CARD"], "empty": "category"}, [3, 7]),
        ({"filters": ["created_at__gte=2026-01-06"]}, [5, 6, 7]),
        ({"filters": ["created_at__lt=2026-01-02T12:00:00Z"]}, [0]),
        ({"filters": ["subject__in=Ticket 2, Ticket 4"]}, [2, 4]),
        ({"filters": ["category__isnull=true"]}, []),
        ({"filters": ["text__startswith=My", "subject__endswith=7"]}, [7]),
        ({"filters": ["text=a=b"]}, []),
        ({"order": "-created_at", "limit": 2}, [7, 6]),
        ({"order": "category,-created_at", "limit": 3}, [7, 6, 4]),
        ({"limit": 2}, [0, 1]),
        ({"empty": "category", "limit": 2}, [0, 2]),
    ],
)
def test_choosing_rows(tickets, chosen, expected):
    source = model_source("helpdesk.Ticket", **chosen)
    assert subjects(source) == [f"Ticket {number}" for number in expected]
    assert source.count() == len(expected)


def test_choosing_out_of_the_rows_that_somebody_may_read(tickets):
    mine = Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets[:3]])
    assert subjects(model_source("helpdesk.Ticket", filters=["text__icontains=card"], queryset=mine)) == ["Ticket 1"]


def test_a_resource_that_keeps_rows_back_is_obeyed(tickets):
    class Open(ModelResource):
        class Meta:
            model = Group
            fields = ("name",)

        def get_queryset(self):
            return Group.objects.exclude(name="secret")

    Group.objects.create(name="secret")
    Group.objects.create(name="open")
    register(Group, source=Open)
    try:
        assert [row.variables for row in model_source("auth.Group").rows()] == [{"name": "open"}]
    finally:
        unregister(Group)


def test_an_empty_number_is_null_and_truths_are_read(db):
    User.objects.create(username="ada", last_login=DAY)
    User.objects.create(username="bob", is_active=False)

    def names(queryset):
        return [user.username for user in queryset]

    assert names(only_empty(User.objects.all(), "last_login")) == ["bob"]
    assert names(filtered(User.objects.all(), ["is_active=yes"])) == ["ada"]
    assert names(filtered(User.objects.all(), ["is_active__in=false"])) == ["bob"]
    assert names(filtered(User.objects.all(), [f"pk={User.objects.get(username='bob').pk}"])) == ["bob"]


@pytest.fixture
def papers(transactional_db):
    """A model with a field of every kind that can be empty in a way of its own, and its table."""
    with isolate_apps("tests"):

        class Paper(models.Model):  # noqa: DJ008
            title = models.CharField(max_length=50, blank=True)
            scan = models.FileField(blank=True)
            photo = models.ImageField(blank=True)
            folder = models.FilePathField(blank=True, path=os.sep)
            raw = models.BinaryField(null=True, blank=True)
            tags = models.JSONField(null=True, blank=True)
            pages = models.IntegerField(null=True)
            owner = models.UUIDField(null=True)
            parent = models.ForeignKey("self", models.SET_NULL, null=True)

            class Meta:
                app_label = "tests"

        with connection.schema_editor() as editor:
            editor.create_model(Paper)
        yield Paper._default_manager
        with connection.schema_editor() as editor:
            editor.delete_model(Paper)


@pytest.mark.parametrize(
    ("field", "empty", "filled"),
    [
        ("title", [""], ["a", " "]),
        ("scan", [""], ["scans/a.pdf"]),
        ("photo", [""], ["a.png"]),
        ("folder", [""], ["/tmp"]),
        ("raw", [None, b""], [b"x", b"\x00"]),
        ("tags", [None, Value(None, models.JSONField()), [], {}, ""], [0, False, "a", [None], [[]], {"a": None}]),
        ("pages", [None], [0, 5]),
        ("owner", [None], [UUID(int=0)]),
        ("parent_id", [None], []),
    ],
)
def test_every_kind_of_field_knows_when_it_is_empty(papers, field, empty, filled):
    expected = [papers.create(**{field: value}).pk for value in empty]
    for value in filled:
        papers.create(**{field: value})
    assert sorted(only_empty(papers.all(), field).values_list("pk", flat=True)) == expected


@pytest.mark.parametrize(
    "filter",
    [
        "pk__in=1,99999999999999999999",
        "pages__in=99999999999999999999",
        "pages=99999999999999999999",
        "pages__lt=-99999999999999999999",
        "parent=99999999999999999999",
        "parent__in=99999999999999999999",
    ],
)
def test_a_number_that_no_column_can_hold_is_refused(papers, filter):
    with pytest.raises(e.BadFilter, match=r"cannot hold: the column holds no number as large or as small as that"):
        filtered(papers.all(), [filter]).count()


def test_a_foreign_key_is_chosen_by_its_key(db):
    first = Permission.objects.order_by("pk")[0]
    by_name = filtered(Permission.objects.all(), [f"content_type={first.content_type_id}"])
    assert set(by_name) == set(Permission.objects.filter(content_type=first.content_type_id))
    assert by_name.count() < Permission.objects.count()


@pytest.mark.parametrize(
    ("chosen", "error", "sentence"),
    [
        (
            {"model": "helpdesk.Tiket"},
            e.UnknownModel,
            "There is no model “helpdesk.Tiket”; did you mean “helpdesk.Ticket”? There are: helpdesk.Ticket.",
        ),
        ({"model": "tickets"}, e.UnknownModel, "There is no model “tickets”; there are: helpdesk.Ticket."),
        (
            {"filters": ["categry=card"]},
            e.UnknownField,
            "helpdesk.Ticket has no field “categry”; did you mean “category”? There are: category, created_at, id, "
            "intent, language, priority, subject, text.",
        ),
        ({"order": "-creatd"}, e.UnknownField, "helpdesk.Ticket has no field “creatd”; did you mean “created_at”?"),
        ({"empty": "colour"}, e.UnknownField, "helpdesk.Ticket has no field “colour”; there are: category,"),
        (
            {"filters": ["category"]},
            e.BadFilter,
            "The filter “category” has no value: write it as category=refund or text__icontains=card.",
        ),
        ({"filters": ["=card"]}, e.BadFilter, "The filter “=card” has no value"),
        (
            {"filters": ["text__icontain=card"]},
            e.BadFilter,
            "The filter “text__icontain=card” cannot compare text by “icontain”; did you mean “icontains”?",
        ),
        ({"filters": ["text__regex=(a+)+"]}, e.BadFilter, "cannot compare text by “regex”"),
        ({"filters": ["id__icontains=1"]}, e.BadFilter, "there are: exact, gt, gte, in, isnull, lt, lte."),
        ({"filters": ["id=one"]}, e.BadFilter, "The filter “id=one” has a value that id cannot hold: “one” value must"),
        ({"filters": ["id__in=1,,2"]}, e.BadFilter, "has a value that id cannot hold"),
        ({"filters": ["created_at__gt=soon"]}, e.BadFilter, "“soon” value has an invalid format"),
        ({"filters": ["created_at__gt=2026-02-31"]}, e.BadFilter, "created_at cannot hold"),
        ({"filters": ["created_at="]}, e.BadFilter, "created_at cannot hold"),
        ({"filters": ["category__isnull=maybe"]}, e.BadFilter, "it must be true or false."),
        ({"filters": ["text=\x00"]}, e.BadFilter, "it has a NUL character in it."),
        ({"limit": 0}, e.BadLimit, "The limit is 0: give a number of rows of at least 1."),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_choices(db, chosen, error, sentence):
    with pytest.raises(SourceError) as refusal:
        model_source(**{"model": "helpdesk.Ticket", **chosen})
    assert type(refusal.value) is error
    assert sentence in str(refusal.value)


def test_a_filter_cannot_look_into_other_tables(db):
    with pytest.raises(e.BadFilter):
        filtered(Permission.objects.all(), ["content_type__model=ticket"])


@isolate_apps("tests")
@pytest.mark.parametrize("lookup", ["exact", "icontains", "gt"])
def test_json_and_bytes_are_only_asked_whether_they_are_there(lookup):
    class Thing(models.Model):  # noqa: DJ008
        data = models.JSONField(null=True)
        raw = models.BinaryField(null=True)

        class Meta:
            app_label = "tests"

    for name in ("data", "raw"):
        with pytest.raises(e.BadFilter, match="there are: isnull"):
            filtered(Thing._default_manager.all(), [f"{name}__{lookup}=1"])
        assert "IS NULL" in str(filtered(Thing._default_manager.all(), [f"{name}__isnull=true"]).query)


@pytest.mark.parametrize("most", [None, 3])
def test_what_is_reckoned_over_rows_is_reckoned_over_all_of_them(tickets, monkeypatch, most):
    monkeypatch.setattr("aiops.jobs.sources.rows_of_model.CHUNK", 2)
    second = Window(RowNumber(), partition_by=["category"], order_by="pk")
    counted = Window(Count("pk"), partition_by=["category"])
    for rows in (
        Ticket.objects.annotate(place=second).filter(place=2),
        Ticket.objects.annotate(of_all=counted).filter(of_all__gt=1),
    ):
        keys = [str(key) for key in rows.order_by("pk").values_list("pk", flat=True)[:most]]
        assert keys and [row.key for row in ModelSource(rows).rows(most)] == keys


def test_a_model_without_a_source_is_refused(db):
    with pytest.raises(NotRegistered, match=r"auth\.Group has no source"):
        model_source("auth.Group")


def test_rows_are_read_in_chunks_after_their_keys(tickets, django_assert_num_queries):
    Ticket.objects.bulk_create([Ticket(subject=f"More {n}", text="x") for n in range(1200)])
    source = model_source("helpdesk.Ticket")
    with django_assert_num_queries(1 + 2) as asked:
        rows = list(source.rows())
    assert len(rows) == 1208
    assert all("intent" not in query["sql"] for query in asked)
    assert len(list(source.rows())) == 1208, "rows may be asked for again"


def test_the_first_rows_are_had_without_reading_the_others(tickets, django_assert_num_queries):
    source = model_source("helpdesk.Ticket", order="-created_at", limit=5)
    with django_assert_num_queries(1) as asked:
        assert [row.variables["subject"] for row in source.rows(2)] == ["Ticket 7", "Ticket 6"]
    assert "LIMIT 2" in asked[0]["sql"]
    assert len(list(source.rows(100))) == 5


@pytest.mark.parametrize(
    ("choose", "expected"),
    [
        (lambda tickets: tickets.order_by("-subject")[1:4], [6, 5, 4]),
        (lambda tickets: tickets.order_by("category", "-subject")[:3], [7, 6, 4]),
        (lambda tickets: tickets.order_by(F("category").desc(), "-pk"), [5, 1, 7, 6, 4, 3, 2, 0]),
        (lambda tickets: tickets.annotate(length=Length("text")).filter(length__gt=20).order_by("-length", "pk")[:3], [1, 3, 5]),
        (lambda tickets: tickets.filter(category="card").distinct().order_by("-created_at"), [5, 1]),
        (lambda tickets: tickets.filter(pk__in=tickets.order_by("-pk")[:2]).order_by("pk"), [6, 7]),
        (lambda tickets: tickets.filter(subject="Ticket 5").union(tickets.filter(subject="Ticket 2")).order_by("subject"), [2, 5]),
        (lambda tickets: tickets.none(), []),
    ],
)  # fmt: skip
def test_whatever_queryset_an_admin_gives_keeps_its_rows_and_their_order(tickets, choose, expected):
    source = ModelSource(choose(Ticket.objects.order_by()))
    assert subjects(source) == [f"Ticket {number}" for number in expected]
    assert source.count() == len(expected)
    # The same rows have the same fingerprint, whatever their order and however they were chosen.
    assert (
        source.fingerprint()
        == ModelSource(Ticket.objects.filter(pk__in=[row.key for row in source.rows()])).fingerprint()
    )


def test_a_row_that_the_shops_own_code_cannot_read_is_named(db):
    class Broken(ModelResource):
        initial = Field()

        class Meta:
            model = Group
            fields = ("initial",)

        def dehydrate_initial(self, group):
            return {"a": "A", "b": b"B"}[group.name]

    Group.objects.create(name="a")
    other = Group.objects.create(name="c")
    register(Group, source=Broken)
    try:
        with pytest.raises(UnreadableRow) as refusal:
            list(model_source("auth.Group").rows())
        assert str(refusal.value) == f"Broken cannot read the row {other.pk} of auth.Group: KeyError: 'c'"
        assert refusal.value.key == str(other.pk)
        Group.objects.filter(name="c").update(name="b")
        with pytest.raises(UnreadableRow, match=r"The field “initial” of Broken gives bytes, which a prompt cannot"):
            list(model_source("auth.Group").rows())
    finally:
        unregister(Group)


def test_ties_in_the_order_are_broken_by_the_key(tickets):
    Ticket.objects.update(created_at=DAY)
    expected = [f"Ticket {number}" for number in range(3)]
    assert subjects(model_source("helpdesk.Ticket", order="-created_at", limit=3)) == expected
    assert subjects(ModelSource(Ticket.objects.order_by("created_at")))[:3] == expected


def test_the_order_of_a_selection_is_kept(tickets):
    assert subjects(ModelSource(Ticket.objects.order_by("-subject")))[0] == "Ticket 7"
    assert subjects(ModelSource(Ticket.objects.order_by("-subject")[:2])) == ["Ticket 7", "Ticket 6"]


def test_no_row_is_refused_before_anything_is_made(db):
    with pytest.raises(EmptySource) as refusal:
        check_rows(model_source("helpdesk.Ticket", filters=["category=cash"]))
    assert str(refusal.value) == "There is nothing to do: 0 rows of helpdesk.Ticket; choose other rows."


def test_variables_that_no_row_gives_are_named_with_the_nearest(tickets):
    source = model_source("helpdesk.Ticket")
    assert check_rows(source) == 8
    check_variables(source, frozenset({"text"}))
    with pytest.raises(MissingVariables) as refusal:
        check_variables(source, frozenset({"txt", "text"}))
    assert str(refusal.value) == (
        "The prompt asks for the variable “txt”, which the rows do not have; did you mean “text”? "
        "There are: subject, text."
    )
    assert refusal.value.missing == ("txt",)
    with pytest.raises(MissingVariables, match="asks for the variables “body, title”"):
        check_variables(source, frozenset({"title", "body"}))
