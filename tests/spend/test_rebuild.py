"""`rebuild_spend`, to the letter, and what it leaves alone."""

import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone

from aiops.calls.counting import count_in, day_of, sums_of
from aiops.calls.identity import first_id_at
from aiops.calls.models import Call
from aiops.calls.spend import Spend
from tests.screens.rows import make_call

pytestmark = pytest.mark.django_db(transaction=True)

DAYS = (date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 4))


def id_on(day: date, number: int = 0) -> UUID:
    """The name of a call of that day at noon."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return UUID(int=first_id_at(noon).int + number)


@pytest.fixture
def log(version):
    """Two calls on each of three days, one of them of a user, not counted yet."""
    ada = User.objects.create_user("ada")
    for day in DAYS:
        make_call(version, id=id_on(day), user=ada, cost=300_000_000)
        make_call(version, id=id_on(day, 1), status="failed", cost=None)
    make_call(version, id=id_on(DAYS[-1], 2), status="sending")
    return ada


@pytest.fixture
def counted(run, log):
    run("rebuild_spend")
    return log


def last_days():
    return (timezone.localdate() - DAYS[0]).days + 1


def test_a_log_that_nobody_has_counted_is_counted(run, log):
    found = run("rebuild_spend", "--check")
    lines = [f"2026-11-0{n}: 0 calls, $0.00; by the log 2 calls, $0.30; wrong rows: 5\n" for n in (1, 2, 4)]
    said = f"{''.join(lines)}3 of {last_days()} days wrong. Nothing was changed.\n"
    assert (found.code, found.stdout) == (1, said)
    assert found.stderr == "CommandError: Spend and calls disagree: manage.py rebuild_spend puts that right.\n"
    assert not Spend.objects.exists()
    assert run("rebuild_spend").stdout == f"{''.join(lines)}3 of {last_days()} days put right.\n"
    assert run("rebuild_spend", "--check").stdout == f"{last_days()} days: spend and calls agree.\n"
    assert Spend.objects.count() == 3 * 5
    assert (
        list(Spend.objects.filter(by="all").values_list("calls", "failed", "unknown_costs", "cost"))
        == [(2, 1, 1, 300_000_000)] * 3
    )


def test_an_empty_log_is_right(run):
    assert run("rebuild_spend", "--check").stdout == "0 days: spend and calls agree.\n"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows.filter(by="all", day=DAYS[1]).update(cost=F("cost") + 1),
        lambda rows: rows.filter(by="user", day=DAYS[1]).update(ms_20=7),
        lambda rows: rows.filter(by="model", day=DAYS[1]).delete(),
        lambda rows: rows.create(by="user", day=DAYS[1], key=User.objects.create_user("eve").pk, calls=3),
        lambda rows: rows.create(by="all", day=date(2026, 11, 3), calls=3),
        lambda rows: rows.create(by="job", day=DAYS[1], key="7", calls=1),
    ],
    ids=["cost", "times", "row gone", "user of nothing", "day of nothing", "job of nothing"],
)
def test_whatever_is_wrong_is_found_and_put_right(run, counted, spoil):
    right = list(Spend.objects.order_by("by", "day", "key").values(*names()))
    spoil(Spend.objects)
    assert run("rebuild_spend", "--check").code == 1
    [told] = json.loads(run("rebuild_spend", "--json").stdout)["wrong"]
    assert told["rows"] == 1
    assert list(Spend.objects.order_by("by", "day", "key").values(*names())) == right


def names():
    return [field.name for field in Spend._meta.concrete_fields if field.name not in ("id", "stamp")]


def test_days_whose_calls_were_deleted_are_left_alone(run, counted):
    before = list(Spend.objects.order_by("pk").values())
    Call.objects.filter(pk__lte=id_on(DAYS[1])).delete()
    told = json.loads(run("rebuild_spend", "--check", "--json").stdout)
    assert (told["since"], told["wrong"]) == ("2026-11-02", [])
    run("rebuild_spend")
    assert list(Spend.objects.order_by("pk").values()) == before


def test_they_are_not_where_somebody_says_so(run, counted):
    Call.objects.filter(pk__lte=id_on(DAYS[1])).delete()
    told = json.loads(run("rebuild_spend", "--since", f"{last_days()}d", "--json").stdout)
    assert [(one["day"], one["calls"], one["calls_by_log"]) for one in told["wrong"]] == [
        ("2026-11-01", 2, 0),
        ("2026-11-02", 2, 1),
    ]
    assert sorted(set(Spend.objects.values_list("day", flat=True))) == list(DAYS[1:])


def test_a_user_who_is_gone_keeps_what_they_spent(run, counted):
    key = str(counted.pk)
    counted.delete()
    assert run("rebuild_spend", "--check").code == 0
    run("rebuild_spend")
    assert Spend.objects.filter(by="user", key=key).count() == 3


@pytest.mark.parametrize(("zone", "day"), [("UTC", 1), ("Asia/Tokyo", 2), ("America/New_York", 1)])
def test_a_day_is_one_of_the_site(settings, version, zone, day):
    settings.TIME_ZONE = zone
    call_id = first_id_at(datetime(2026, 11, 1, 20, tzinfo=UTC))
    assert day_of(call_id) == date(2026, 11, day)


def test_a_day_with_25_hours_has_all_its_calls(settings, run, version):
    settings.TIME_ZONE = "Europe/Zurich"
    moments = [datetime(2026, 10, 24, 22, tzinfo=UTC) + timedelta(hours=hour) for hour in range(25)]
    for moment in moments:
        make_call(version, id=first_id_at(moment))
    run("rebuild_spend")
    assert Spend.objects.get(by="all").day == date(2026, 10, 25)
    assert Spend.objects.get(by="all").calls == 25
    assert run("rebuild_spend", "--check").code == 0


def test_a_log_is_read_in_pieces_and_never_its_bodies(run, log, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        run("rebuild_spend", "--check")
    assert not [query for query in queries if "messages" in query["sql"] or '"output"' in query["sql"]]


def test_what_is_added_to_a_row_that_is_not_there_begins_at_nothing():
    count_in({("all", DAYS[0], ""): {"calls": 2}})
    count_in({("all", DAYS[0], ""): {"calls": 1, "ms_03": 1}, ("model", DAYS[0], "x"): {"cost": -5}})
    row = Spend.objects.get(by="all")
    assert (row.calls, row.cost, row.ms_03, row.ms_04) == (3, 0, 1, 0)
    assert Spend.objects.get(by="model").cost == -5
    assert sums_of([]) == {}
