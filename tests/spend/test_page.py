"""Where it went, as people see it."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from aiops.calls.identity import new_call_id
from aiops.calls.spend import Spend
from aiops.ledger.models import Budget, BudgetPeriod
from aiops.ledger.periods import periods_of
from aiops.ledger.scopes import ChargedTo
from prompts.models import Prompt
from tests.screens.rows import make_job, make_version
from tests.spend.days import call_on, day, today

pytestmark = pytest.mark.django_db

PAGE = "/admin/aiops/spend/"
CENT = 10_000_000


def html_of(client, query: str = "") -> str:
    answer = client.get(f"{PAGE}?{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def cells(html: str, head: str) -> list[str]:
    """The texts of a row of a table, by its first cell."""
    row = re.search(rf'<tr><th scope="row">{re.escape(head)}</th>(.*?)</tr>', html, re.DOTALL)
    assert row, f"no row {head}"
    return [unescape(re.sub("<.*?>", "", cell)) for cell in re.findall("<td.*?>(.*?)</td>", row[1], re.DOTALL)]


def links(html: str, head: str) -> list[str]:
    row = re.search(rf'<tr><th scope="row">{re.escape(head)}</th>(.*?)</tr>', html, re.DOTALL)
    return [unescape(url) for url in re.findall('href="(.*?)"', row[1])]


def test_it_says_what_to_do_while_there_is_nothing(boss):
    html = html_of(boss)
    assert "No calls yet" in html
    assert "/admin/aiops/job/" in html
    assert "aiops-chart" not in html


def test_days_without_calls_are_not_taken_for_a_site_without_any(boss, version):
    call_on(day(50), version)
    html = html_of(boss, "days=7")
    assert "No calls yet" not in html
    assert cells(html, "in all")[:3] == ["$0.00", "–", "0"]
    assert "Nothing was spent on these days" in html


def test_it_stands_in_the_index_for_those_who_may_see_calls(sign_in):
    assert PAGE in sign_in("aiops.view_call").get("/admin/aiops/").content.decode()
    assert PAGE not in sign_in("aiops.view_job").get("/admin/aiops/").content.decode()


def test_budgets_are_shown_to_those_who_may_see_them(sign_in, version):
    call_on(today(), version)
    with_budget, without = sign_in("aiops.view_call", "aiops.view_budget"), sign_in("aiops.view_call")
    assert "Everything" in html_of(with_budget)
    assert "Everything" not in html_of(without)


def test_a_prompt_is_all_its_versions(boss, version):
    call_on(day(1), version, cost=30 * CENT, total_ms=840)
    call_on(day(2), make_version(), cost=20 * CENT, total_ms=4000, user=boss.user)
    call_on(day(2), make_version("other"), cost=10 * CENT, status="failed")
    call_on(day(3), cost=5 * CENT, total_ms=None)
    html = html_of(boss)
    assert cells(html, "triage-ticket") == [
        "$0.50",
        "new",
        "2",
        "2,468 / 50",
        "0 %",
        "837 ms",
        "4.2 s",
        "$0.00",
        "0",
    ]
    assert cells(html, "other")[4] == "100 %"
    assert cells(html, "without a prompt")[:3] == ["$0.050", "–", "1"]
    assert cells(html, "in all")[:3] == ["$0.65", "new", "4"]


@pytest.mark.parametrize(
    ("by", "head", "cost"),
    [
        ("model", "gpt-6-luna-2026-09-01", "$0.40"),
        ("connection", "default", "$0.40"),
        ("user", "user-0", "$0.30"),
        ("user", "of nobody", "$0.10"),
        ("group", "Support", "$0.30"),
        ("group", "Sales", "$0.30"),
        ("job", "job 7", "$0.10"),
        ("job", "of no job", "$0.30"),
        ("nonsense", "triage-ticket", "$0.30"),
    ],
)
def test_by_what_it_is_broken_down(boss, version, by, head, cost):
    for name in ("Support", "Sales"):
        boss.user.groups.add(Group.objects.create(name=name))
    call_on(day(1), version, cost=30 * CENT, user=boss.user)
    call_on(day(1), None, cost=10 * CENT, job_id=7)
    assert cells(html_of(boss, f"by={by}"), head)[0] == cost


def test_every_number_leads_to_its_calls(boss, version):
    for ago in (1, 3):
        call_on(day(ago), version, user=boss.user, job_id=7)
        call_on(day(ago), version, status="failed", cost=None, user=boss.user, job_id=7)
    call_on(day(2), make_version("other"), model_answered="another", reused_from=version_id(), saved=CENT)
    call_on(day(2), model_asked="third", model_answered="", connection="local", status="failed")
    for by in ("prompt", "model", "connection", "user", "group", "job"):
        html = html_of(boss, f"by={by}")
        for head in re.findall('<tr><th scope="row">(.*?)</th>', html.split("<caption>Spend by")[1]):
            shown, urls = cells(html, head), links(html, head)
            if not urls:
                continue
            listed = [len(boss.get(url).context["cl"].result_list) for url in urls]
            calls = int(shown[2])
            failed = round(calls * float(shown[4].split()[0]) / 100)
            assert listed[2] == calls, (by, head)
            assert listed[4] == failed, (by, head)
            assert listed[8] == int(shown[8]), (by, head)


def version_id():
    return call_on(day(200)).pk


def test_the_days_before_are_compared(boss, version):
    call_on(day(1), version, cost=14 * CENT)
    call_on(day(8), version, cost=10 * CENT)
    call_on(day(9), make_version("gone"), cost=50 * CENT)
    html = html_of(boss, "days=7")
    assert cells(html, "triage-ticket")[1] == "▲ 40 %"
    assert cells(html, "in all")[1] == "▼ 77 %"
    assert "gone</span>" not in html and "-$0.50 (▼ 100 %)" in html
    assert '<th scope="row">gone</th>' not in html


@pytest.mark.parametrize("days", ["7", "30", "90", "180", "month", "", "9999999", "x"])
def test_it_takes_as_many_queries_for_many_calls_as_for_few(boss, version, days):
    for ago in (0, 3, 40, 100, 200):
        call_on(day(ago), version, user=boss.user)
    html_of(boss)
    with CaptureQueriesContext(connection) as for_one:
        html_of(boss, f"days={days}")
    for number in range(6):
        other = make_version(f"prompt-{number}")
        user = User.objects.create_user(f"other-{number}")
        for ago in (0, 3, 40, 100):
            call_on(day(ago), other, user=user, job_id=number, model_answered=f"model-{number}")
    with CaptureQueriesContext(connection) as for_many:
        html_of(boss, f"days={days}")
    with CaptureQueriesContext(connection) as again:
        html_of(boss, f"days={days}")
    assert len(for_many) <= 17
    assert len(again) <= 13
    assert len(for_one) <= 17
    assert not [query for query in for_many if 'FROM "aiops_call"' in query["sql"]]


@pytest.mark.parametrize("by", ["prompt", "user"])
def test_a_call_that_ends_late_is_in_the_sums_of_its_day_at_once(boss, version, by):
    for ago in (40, 41, 100):
        call_on(day(ago), version, user=boss.user, cost=30 * CENT, total_ms=840)
    name = "triage-ticket" if by == "prompt" else boss.user.username
    address = f"by={by}&days=90"
    assert cells(html_of(boss, address), name)[:3] == ["$0.60", "▲ 100 %", "2"]
    call_on(day(40), version, user=boss.user, cost=15 * CENT, total_ms=4000)
    call_on(day(100), version, user=boss.user, cost=20 * CENT)
    html = html_of(boss, address)
    assert cells(html, name)[:3] == ["$0.75", "▲ 50 %", "3"]
    assert cells(html, name)[6] == "4.2 s"


@pytest.mark.django_db(transaction=True)
def test_sums_that_were_put_right_are_shown_at_once(boss, version, run):
    call_on(day(40), version, cost=30 * CENT)
    call_on(day(40), version, cost=30 * CENT)
    Spend.objects.filter(by="version").update(cost=7 * CENT)
    assert cells(html_of(boss, "days=90"), "triage-ticket")[0] == "$0.070"
    assert run("rebuild_spend").code == 0
    assert cells(html_of(boss, "days=90"), "triage-ticket")[0] == "$0.60"


def test_what_is_of_unknown_cost_is_told_apart(boss, version):
    call_on(today(), version, cost=None)
    call_on(today(), version, status="unknown", cost=None, total_ms=None)
    html = html_of(boss)
    assert cells(html, "triage-ticket")[8] == "2"
    assert "Nothing was spent on these days, as far as costs are known." in html
    assert "ended nobody knows how" in html


def test_a_name_that_is_markup_is_text(boss):
    Prompt.objects.create(name="x")
    call_on(today(), model_answered="<script>alert(1)</script>", cost=CENT)
    html = html_of(boss, "by=model")
    assert "<script>alert" not in html and "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_bars_have_their_numbers_in_a_table(boss, version):
    for number in range(9):
        call_on(day(number), version, model_answered=f"model-{number}", cost=(9 - number) * 100 * CENT)
    html = html_of(boss)
    assert html.count('<path class="aiops-series-') == 7
    legend = re.findall(r'<li class="aiops-series-\d">(.*?)</li>', html)
    assert legend == [*(f"model-{number}" for number in range(6)), "other models"]
    assert html.count("<title>20") == 9
    assert "$9.00" in html and "$10.00</text>" in html
    assert 'role="img"' in html and "aria-label=" in html


def test_many_days_are_shown_by_week_in_the_table(boss, version):
    for ago in range(60):
        call_on(day(ago), version, cost=CENT)
    assert 9 <= html_of(boss, "days=90").split("Show numbers")[1].split("</table>")[0].count('<th scope="row">') <= 11
    assert html_of(boss, "days=30").split("Show numbers")[1].split("</table>")[0].count('<th scope="row">') == 30


def test_budgets_stand_beside_what_was_spent(boss, version):
    call_on(day(1), version, cost=CENT)
    budget = Budget.objects.get(name="Everything")
    Budget.objects.create(name="Each user", scope="user", cap=10**9)
    Budget.objects.create(name="One job", scope="job", subject="7", cap=10**9)
    now = timezone.now()
    periods_of(ChargedTo(user_id=boss.user.pk, job_id=7), now)
    BudgetPeriod.objects.filter(budget=budget).update(settled=5 * 10**9, held=10**9)
    html = html_of(boss)
    assert "$5.00" in html and "$14.00" in html and 'value="30"' in html
    assert "Each user (user-0)" in html
    assert "One job" not in html


def test_budgets_that_nobody_has_spent_of_are_shown_too(boss, version):
    call_on(today(), version)
    assert not BudgetPeriod.objects.exists()
    html = html_of(boss)
    assert "Everything" in html and 'value="0"' in html


def test_it_can_only_be_read(boss):
    for method in ("post", "put", "delete"):
        assert getattr(boss, method)(PAGE).status_code == 405
        assert getattr(boss, method)(f"{PAGE}csv/").status_code == 405


def test_the_file_has_every_line_and_no_formula(boss, version):
    for number in range(30):
        call_on(day(1), model_answered=f"model-{number:02}", cost=number)
    call_on(day(1), model_answered='=HYPERLINK("http://example.com")', cost=7 * CENT)
    answer = boss.get(f"{PAGE}csv/?by=model&days=7")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="spend-model-')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode().removeprefix("\ufeff"))))
    assert len(rows) == 31
    assert rows[0]["name"].startswith("'=HYPERLINK") and rows[0]["cost"] == "0.070000000"
    html = html_of(boss, "by=model&days=7")
    assert "6 more" in html


def test_calls_can_be_listed_by_the_days_they_began_on(boss, version):
    for ago in (0, 1, 2, 10):
        call_on(day(ago), version)
    found = {
        query: len(boss.get(f"/admin/aiops/call/?{query}").context["cl"].result_list)
        for query in (
            f"days={day(1)}..{day(0)}",
            f"days={day(2)}",
            f"days={day(10)}..{day(1)}",
            "days=nonsense",
            "days=0001-01-01..9999-12-31",
        )
    }
    assert list(found.values()) == [2, 1, 3, 0, 0]


@pytest.mark.parametrize(
    "query", ["prompt=x", "prompt=99", "model=none", "user=x", "user=99", "group=x", "group=99", "cost=x"]
)
def test_what_there_is_not_is_not_listed(boss, version, query):
    call_on(today(), version)
    answer = boss.get(f"/admin/aiops/call/?{query}")
    assert (answer.status_code, len(answer.context["cl"].result_list)) == (200, 0)


def test_jobs_are_named(boss, version):
    job = make_job(version)
    call_on(today(), version, job_id=job.pk)
    assert cells(html_of(boss, "by=job"), f"job {job.pk}")[2] == "1"


def test_a_day_is_one_of_the_site(boss, version, settings):
    settings.TIME_ZONE = "Pacific/Kiritimati"
    call_on(today(), version, cost=3 * CENT)
    html = html_of(boss, "days=7")
    assert f"days={today()}..{today()}" in html
    assert timezone.localdate() - today() in (timedelta(0), timedelta(-1), timedelta(1))


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("user={user}", "aiops_call_user"),
        ("model=x", "aiops_call_model"),
        ("cost=unknown", "aiops_call_unknown_cost"),
        ("cost=saved", "aiops_call_reused"),
        ("prompt={prompt}", "aiops_call_version"),
        ("job_id=7", "aiops_call_job"),
        ("connection=default", "aiops_call_connection"),
    ],
)
def test_lists_behind_a_number_walk_along_an_index(boss, version, query, index):
    call_on(today(), version, user=boss.user, job_id=7, model_answered="x", cost=None, reused_from=new_call_id())
    asked = query.format(user=boss.user.pk, prompt=version.prompt_id)
    with CaptureQueriesContext(connection) as queries:
        boss.get(f"/admin/aiops/call/?days={day(30)}..{today()}&{asked}")
    # How many there are, and the keys of the page; the rows themselves are then read by these.
    asking = [query["sql"] for query in queries if '"aiops_call"."id" >=' in query["sql"]]
    assert len(asking) == 2
    for sql in asking:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = " ".join(str(row[-1]) for row in cursor.fetchall())
        assert index in plan and "SCAN aiops_call" not in plan, plan
