"""A row gives a template plain data, the same for everybody, and nothing that its source does not list."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.test.utils import isolate_apps
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.widgets import DateTimeWidget, DecimalWidget, ForeignKeyWidget

from aiops.resources import NotPlain, RowReader, plain
from project.helpdesk.models import Ticket


class PersonSource(ModelResource):
    joined = Field(attribute="date_joined", widget=DateTimeWidget(format="%d.%m.%Y %H:%M"))
    full_name = Field()
    balance = Field(widget=DecimalWidget())

    class Meta:
        model = User
        fields = ("id", "username", "is_active", "joined", "full_name", "balance", "last_login")

    def dehydrate_full_name(self, person):
        return person.get_full_name()

    def dehydrate_balance(self, person):
        return Decimal("12.50")


class LogSource(ModelResource):
    who = Field(attribute="user", widget=ForeignKeyWidget(User, "username"))

    class Meta:
        model = LogEntry
        fields = ("object_repr", "content_type", "content_type__model", "who")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        ("nul\x00 and \ud800", "nul� and �"),
        (3, 3),
        (True, True),
        (None, None),
        (0.5, 0.5),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (dt.date(2026, 1, 5), "2026-01-05"),
        (dt.datetime(2026, 1, 5, 9, 30, tzinfo=dt.UTC), "2026-01-05T09:30:00+00:00"),
        (dt.timedelta(hours=1), "1:00:00"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (Ticket.Category.CARD, "card"),
        (gettext_lazy("card"), "card"),
        (Group(name="editors"), "editors"),
        ({"a": (1, {2}), 3: None}, {"a": [1, [2]], "3": None}),
    ],
)
def test_plain_data(value, expected):
    found = plain(value)
    assert found == expected and type(found) is type(expected)
    json.dumps(found).encode()


def test_bytes_are_no_plain_data():
    with pytest.raises(TypeError, match="bytes"):
        plain(b"x")


def person():
    return User(
        id=1,
        username="ada",
        first_name="Ada",
        last_name="Lovelace",
        password="secret",
        date_joined=dt.datetime(2026, 1, 5, 9, 30, tzinfo=dt.UTC),
    )


def test_numbers_and_truths_stay_what_they_are_and_dates_have_the_shops_format(settings):
    settings.TIME_ZONE = "UTC"
    assert RowReader(PersonSource()).variables(person()) == {
        "id": 1,
        "username": "ada",
        "is_active": True,
        "joined": "05.01.2026 09:30",
        "full_name": "Ada Lovelace",
        "balance": "12.50",
        "last_login": "",
    }


def test_nothing_but_the_listed_fields_leaves():
    assert "secret" not in str(RowReader(PersonSource()).variables(person()))


def test_a_row_reads_the_same_in_every_language_and_time_zone():
    here = RowReader(PersonSource()).variables(person())
    with translation.override("de"), timezone.override("Asia/Tokyo"):
        assert RowReader(PersonSource()).variables(person()) == here


@isolate_apps("tests")
def test_json_is_given_as_data_and_not_as_text():
    class Note(models.Model):  # noqa: DJ008
        tags = models.JSONField()

        class Meta:
            app_label = "tests"

    class NoteSource(ModelResource):
        class Meta:
            model = Note
            fields = ("tags",)

    assert RowReader(NoteSource()).variables(Note(tags={"colour": ["red"]})) == {"tags": {"colour": ["red"]}}
    assert RowReader(NoteSource()).variables(Note(tags=[])) == {"tags": []}


def test_a_field_that_gives_bytes_is_named():
    class PhotoSource(ModelResource):
        photo = Field()

        class Meta:
            model = Group
            fields = ("photo",)

        def dehydrate_photo(self, group):
            return b"\xff\xd8"

    with pytest.raises(NotPlain, match=r"The field “photo” of PhotoSource gives bytes, which a prompt cannot read"):
        RowReader(PhotoSource()).variables(Group())


@pytest.fixture
def log(db):
    user = User.objects.create(username="ada")
    kind = ContentType.objects.get_for_model(Ticket)
    for number in range(5):
        LogEntry.objects.create(user=user, content_type=kind, object_repr=f"#{number}", action_flag=1)
    return LogEntry.objects.order_by("pk")


def test_related_rows_come_in_the_same_query(log, django_assert_num_queries):
    reader = RowReader(LogSource())
    with django_assert_num_queries(1):
        rows = [reader.variables(entry) for entry in reader.narrow(log)]
    kind = ContentType.objects.get_for_model(Ticket)
    assert rows[0] == {"object_repr": "#0", "content_type": kind.pk, "content_type__model": "ticket", "who": "ada"}
    assert len(rows) == 5


def test_only_the_columns_that_are_read_are_loaded(log):
    sql = str(RowReader(LogSource()).narrow(log).query)
    assert "object_repr" in sql and "username" in sql
    assert "change_message" not in sql and "password" not in sql


def test_many_to_many_costs_one_query_more_not_one_a_row(db, django_assert_num_queries):
    class GroupSource(ModelResource):
        class Meta:
            model = Group
            fields = ("name", "permissions")

    two = list(Permission.objects.order_by("pk")[:2])
    for number in range(4):
        Group.objects.create(name=f"group {number}").permissions.set(two)
    reader = RowReader(GroupSource())
    with django_assert_num_queries(2):
        rows = [
            reader.variables(group) for group in reader.narrow(Group.objects.order_by("pk")).iterator(chunk_size=100)
        ]
    assert rows[0]["permissions"] == ",".join(str(permission.pk) for permission in two)


def test_a_computed_field_may_read_the_whole_row(db, django_assert_num_queries):
    User.objects.create(username="ada", first_name="Ada", last_name="Lovelace")
    reader = RowReader(PersonSource())
    with django_assert_num_queries(1):
        rows = [reader.variables(user) for user in reader.narrow(User.objects.all())]
    assert rows[0]["full_name"] == "Ada Lovelace"


def test_a_queryset_that_chose_its_columns_itself_is_left_alone(log, django_assert_num_queries):
    reader = RowReader(LogSource())
    for queryset in (log.select_related("user"), log.defer("change_message")):
        with django_assert_num_queries(1):
            assert [reader.variables(entry)["who"] for entry in reader.narrow(queryset)] == ["ada"] * 5
