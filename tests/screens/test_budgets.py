"""The pages of budgets: dollars outside, nano-dollars inside."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.utils import timezone

from aiops.ledger.models import Budget
from aiops.ledger.periods import periods_of
from aiops.ledger.scopes import EVERYBODY, ChargedTo
from prompts.models import Prompt

LIST = "/admin/aiops/budget/"
DOLLAR = 1_000_000_000


@pytest.fixture
def budget(db):
    Budget.objects.all().delete()
    return Budget.objects.create(name="Support", cap=20 * DOLLAR)


@pytest.fixture
def period(budget):
    period = periods_of(EVERYBODY, timezone.now())[0]
    period.settled, period.held = 3 * DOLLAR, DOLLAR // 2
    period.save()
    return period


def page_of(budget: Budget) -> str:
    return f"{LIST}{budget.pk}/change/"


def posted(**changes: object) -> dict[str, object]:
    return {
        "name": "Support",
        "scope": "everything",
        "cap_in_dollars": "20",
        "renewal": "month",
        "active": "on",
        "periods-TOTAL_FORMS": 0,
        "periods-INITIAL_FORMS": 0,
    } | changes


def test_the_list_says_what_a_budget_is_while_there_is_none(boss):
    Budget.objects.all().delete()
    html = boss.get(LIST).content.decode()
    assert "A budget is a hard wall" in html and "Set a budget" in html


def test_the_list_shows_what_is_left(boss, period, django_assert_num_queries):
    boss.get(LIST)
    with django_assert_num_queries(5):  # session, user, stops, count, budgets with what their periods come to
        html = boss.get(LIST).content.decode()
    assert "$20.00" in html and "$3.00" in html and "$16.50" in html


def test_the_page_shows_dollars_and_periods(boss, period):
    html = boss.get(page_of(period.budget)).content.decode()
    assert 'name="cap_in_dollars" value="20"' in html
    assert "$16.50" in html and "$0.50" in html
    assert 'name="periods-0-settled"' not in html


def test_a_new_cap_holds_at_once_and_is_in_the_history(boss, budget, period):
    budget_page = page_of(budget)
    assert boss.post(budget_page, posted(cap_in_dollars="35.5")).status_code == 302
    budget.refresh_from_db()
    period.refresh_from_db()
    assert budget.cap == period.cap == 35_500_000_000
    assert (period.settled, period.held) == (3 * DOLLAR, DOLLAR // 2)
    assert LogEntry.objects.get().get_change_message() == "Changed the cap from $20 to $35.5."


def test_periods_that_are_over_keep_their_cap(boss, budget, period):
    past = period.starts_at - timedelta(days=31)
    over = budget.periods.create(starts_at=past, ends_at=period.starts_at, cap=DOLLAR)
    boss.post(page_of(budget), posted(cap_in_dollars="1"))
    over.refresh_from_db()
    assert over.cap == DOLLAR


@pytest.mark.parametrize("renewal", ["day", "never"])
def test_the_renewal_stays_once_money_was_counted_by_it(boss, budget, period, renewal):
    html = boss.post(page_of(budget), posted(renewal=renewal)).content.decode()
    assert "Money was counted by what it was already: switch this budget off and make another one." in html
    budget.refresh_from_db()
    assert budget.renewal == "month"
    assert boss.post(page_of(budget), posted(name="Renamed")).status_code == 302


def test_the_renewal_of_a_budget_of_which_nothing_was_spent_may_change(boss, budget):
    assert boss.post(page_of(budget), posted(renewal="day")).status_code == 302
    budget.refresh_from_db()
    assert budget.renewal == "day"


@pytest.mark.parametrize("cap", [20 * DOLLAR, 1, 0, 10**18, 1_230_000_000])
def test_a_cap_that_stays_is_no_change_in_the_history(boss, budget, period, cap):
    Budget.objects.update(cap=cap)
    shown = boss.get(page_of(budget)).context["adminform"].form["cap_in_dollars"].value()
    assert "E" not in str(shown)
    assert boss.post(page_of(budget), posted(name="Renamed", cap_in_dollars=shown)).status_code == 302
    assert LogEntry.objects.get().get_change_message() == "Changed Name."
    budget.refresh_from_db()
    assert (budget.name, budget.cap) == ("Renamed", cap)


def test_a_budget_that_is_switched_off_is_changed_and_freed_like_any_other(boss, budget, period):
    period.frozen = True
    period.save()
    off = {name: value for name, value in posted(cap_in_dollars="35").items() if name != "active"}
    boss.post(page_of(budget), off)
    period.refresh_from_db()
    assert period.cap == 35 * DOLLAR
    answer = boss.post(LIST, {"action": "let_go_on", "_selected_action": [budget.pk]}, follow=True)
    assert "1 budget is open again." in answer.content.decode()
    period.refresh_from_db()
    assert not period.frozen


@pytest.mark.parametrize("dollars", ["-1", "", "much", "1e12", "0.0000000001", "NaN"])
def test_a_cap_that_makes_no_sense_is_refused(boss, budget, dollars):
    assert boss.post(page_of(budget), posted(cap_in_dollars=dollars)).status_code == 200
    budget.refresh_from_db()
    assert budget.cap == 20 * DOLLAR


@pytest.mark.parametrize(("dollars", "nanos"), [("0", 0), ("0.000000001", 1), ("1000000000", 10**18)])
def test_a_cap_is_kept_to_the_nano_dollar(boss, budget, dollars, nanos):
    assert boss.post(page_of(budget), posted(cap_in_dollars=dollars)).status_code == 302
    budget.refresh_from_db()
    assert budget.cap == nanos


def test_a_budget_is_added(boss):
    assert boss.post(f"{LIST}add/", posted(name="New", cap_in_dollars="0.25")).status_code == 302
    assert Budget.objects.get(name="New").cap == DOLLAR // 4


def test_a_frozen_budget_says_why_and_is_freed_by_hand(boss, budget, period):
    period.frozen, period.frozen_because = True, "A call cost more than was set aside for it."
    period.save()
    assert "frozen" in boss.get(LIST).content.decode()
    assert "A call cost more than was set aside for it." in boss.get(page_of(budget)).content.decode()
    answer = boss.post(LIST, {"action": "let_go_on", "_selected_action": [budget.pk]}, follow=True)
    assert "1 budget is open again." in answer.content.decode()
    period.refresh_from_db()
    assert (period.frozen, period.frozen_because) == (False, "")
    assert LogEntry.objects.get().get_change_message() == "Unfrozen."


def test_whoever_may_only_look_frees_nothing(sign_in, budget, period):
    period.frozen = True
    period.save()
    sign_in("aiops.view_budget").post(LIST, {"action": "let_go_on", "_selected_action": [budget.pk]})
    period.refresh_from_db()
    assert period.frozen


@pytest.fixture
def daily(budget):
    """A budget with a period a day, for fifty days, the last of which is today."""
    Budget.objects.update(renewal="day")
    today = periods_of(EVERYBODY, timezone.now())[0]
    for days in range(1, 50):
        starts, ends = (today.starts_at - timedelta(days=days - n) for n in (0, 1))
        budget.periods.create(starts_at=starts, ends_at=ends, cap=DOLLAR, settled=days)
    return today


def test_the_page_shows_the_newest_periods_in_a_fixed_number_of_queries(boss, budget, daily, django_assert_num_queries):
    boss.get(page_of(budget))
    with django_assert_num_queries(6):  # session, user, stops, budget, frozen periods, the newest periods
        html = boss.get(page_of(budget)).content.decode()
    assert html.count("has_original") == 30
    assert "Periods, the newest 30" in html
    hidden = dict(re.findall(r'<input type="hidden" name="(periods-[^"]+)" value="([^"]*)"', html))
    assert hidden["periods-INITIAL_FORMS"] == "30"
    assert boss.post(page_of(budget), posted(renewal="day", cap_in_dollars="5") | hidden).status_code == 302
    daily.refresh_from_db()
    assert daily.cap == 5 * DOLLAR


def test_the_list_reads_only_periods_that_are_under_way(boss, budget, daily, django_assert_num_queries):
    boss.get(LIST)
    with django_assert_num_queries(5) as queries:
        boss.get(LIST)
    [periods] = [query["sql"] for query in queries if 'FROM "aiops_budgetperiod"' in query["sql"]]
    assert periods.count("WHERE") == periods.count('"ends_at" >') == 4


def test_a_freeze_of_a_period_that_is_over_is_not_announced(boss, budget, period):
    period.frozen, period.frozen_because = True, "A call cost more than was set aside for it."
    period.starts_at, period.ends_at = period.starts_at - timedelta(days=62), period.starts_at - timedelta(days=31)
    period.save()
    html = boss.get(page_of(budget)).content.decode()
    assert "Frozen:" not in html
    assert "A call cost more than was set aside for it." in html  # In its own row.


class TestScopes:
    """What of all calls a budget counts, as people say it."""

    @pytest.mark.parametrize(
        ("scope", "of", "shown"),
        [
            ("everything", "", "everything"),
            ("connection", "default", "a connection: default"),
            ("connection", "", "a connection, each for itself"),
            ("prompt", "triage", "a prompt: triage"),
            ("user", "ada", "a user: ada"),
            ("user", "", "a user, each for itself"),
            ("group", "Support", "a group of users: Support"),
            ("job", "7", "a job: job 7"),
            ("job", "", "a job, each for itself"),
        ],
    )
    def test_it_is_said_in_names_and_shown_in_names(self, boss, db, scope, of, shown):
        User.objects.create_user("ada")
        Group.objects.create(name="Support")
        Prompt.objects.create(name="triage")
        answer = boss.post(f"{LIST}add/", posted(name="New", scope=scope, of=of))
        assert answer.status_code == 302, answer.content.decode()
        assert shown in boss.get(LIST).content.decode()
        form = boss.get(page_of(Budget.objects.get(name="New"))).context["adminform"].form
        assert form["of"].value() == of
        assert (
            boss.post(page_of(Budget.objects.get(name="New")), posted(name="New", scope=scope, of=of)).status_code
            == 302
        )

    @pytest.mark.parametrize(
        ("scope", "of", "sentence"),
        [
            ("everything", "ada", "A budget over everything is of nothing in particular: leave this empty."),
            ("connection", "nowhere", "There is no connection “nowhere”: use one of default"),
            ("prompt", "nothing", "There is no prompt “nothing”."),
            ("user", "nobody", "There is no user “nobody”."),
            ("group", "nobody", "There is no group “nobody”."),
            ("job", "seven", "“seven” is no number of a job."),
        ],
    )
    def test_who_is_not_there_has_no_budget(self, boss, db, scope, of, sentence):
        assert sentence in boss.post(f"{LIST}add/", posted(name="New", scope=scope, of=of)).content.decode()
        assert not Budget.objects.filter(name="New").exists()

    @pytest.mark.parametrize("change", [{"scope": "connection"}, {"of": "7"}, {"time_zone": "Asia/Tokyo"}])
    def test_what_was_counted_stays_what_it_is(self, boss, budget, period, change):
        Budget.objects.update(scope="job")
        html = boss.post(page_of(budget), posted(scope="job") | change).content.decode()
        assert "Money was counted by what it was already" in html

    def test_a_page_of_many_names_them_in_as_many_queries_as_one(self, boss, db, django_assert_num_queries):
        for number in range(12):
            user = User.objects.create_user(f"person-{number}")
            Budget.objects.create(name=f"For {number}", scope="user", subject=str(user.pk), cap=DOLLAR)
        boss.get(LIST)
        with django_assert_num_queries(6):  # as ever, and the names
            assert "a user: person-11" in boss.get(LIST).content.decode()

    def test_of_a_budget_that_each_has_for_itself_the_page_says_whose_is_whose(self, boss, budget):
        Budget.objects.update(scope="user")
        ada = User.objects.create_user("ada")
        [period] = periods_of(ChargedTo(user_id=ada.pk), timezone.now())
        period.settled, period.frozen, period.frozen_because = 15 * DOLLAR, True, "Too much."
        period.save()
        html = boss.get(page_of(budget)).content.decode()
        assert "ada: Too much." in html and ">ada</p>" in html
        # What the one has left who has least.
        assert "$5.00" in boss.get(LIST).content.decode()
