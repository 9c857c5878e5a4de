"""However long the log is, no page of it walks through all of it. What that takes: `tests/benchmarks/pages.py`."""

from __future__ import annotations

from itertools import combinations

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from aiops.calls import conditions, narrowing
from aiops.calls.filters import StatusFilter
from aiops.calls.models import Call
from aiops.lists import BoundedPaginator
from tests.screens.rows import make_cached_answer, make_call, make_file, make_job, make_version

LIST = "/admin/aiops/call/"
LISTS = (LIST, "/admin/aiops/item/", "/admin/aiops/cachedanswer/", "/admin/aiops/uploadedfile/")


@pytest.fixture
def log(version):
    """A few calls of every kind, and what belongs to them."""
    make_job(version, succeeded=2, failed=1)
    make_cached_answer(version)
    make_file()
    person = get_user_model().objects.create_user("person")
    return [
        make_call(version, user=person),
        make_call(version, status="failed", connection="other", cost=None),
        make_call(None, reused_from=make_call(version).pk),
    ]


def offered(client) -> dict[str, str]:
    """Filter and choice → query, of everything that the list of calls offers."""
    changes = client.get(LIST).context["cl"]
    return {
        f"{one.title}: {choice['display']}": choice["query_string"].removeprefix("?")
        for one in changes.filter_specs
        for choice in one.choices(changes)
    }


def asked_of_calls(client, query: str) -> list[str]:
    """Statements about calls that a page of the list makes."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"{LIST}?{query}").status_code == 200
    return [query["sql"] for query in queries.captured_queries if 'FROM "aiops_call"' in query["sql"]]


def plan_of(sql: str) -> list[str]:
    """How the database would go about it."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            return [row[-1] for row in cursor.fetchall()]
        # A table of three rows is always read whole; whether it has to be is what is asked here.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {sql}")
        return [row[0] for row in cursor.fetchall()]


COLUMNS = ("status", "connection", "prompt_version_id", "user_id", "job_id", "item_id")

FEW = ("aiops_call_unknown_cost", "aiops_call_reused")
"""Indexes that hold nothing but the few rows which are looked for."""


def faults_of(sql: str) -> list[str]:
    """Steps of the plan that would read the whole table, or put all of it in order."""
    plan = plan_of(sql)
    # The rows of one page, or of one item: to put these in order costs nothing.
    known = ('WHERE "aiops_call"."id" IN (', 'WHERE "aiops_call"."id" = ', '"aiops_call"."item_id" = ')
    few = any(condition in sql for condition in known)
    if connection.vendor == "sqlite":
        # A walk along an index ends with the page, where every row that it meets is on it.
        walk = "LIMIT" in sql and "WHERE" not in sql
        scans = [step for step in plan if step.startswith("SCAN aiops_call") and not (walk and "INDEX" in step)]
        if any(f'"aiops_call"."{column}"' in sql for column in COLUMNS if "WHERE" in sql and not few):
            # By time alone, to look at each row whether it fits, is the whole log again.
            scans += [step for step in plan if step.startswith("SEARCH aiops_call ") and "=?" not in step]
        scans = [step for step in scans if not any(name in step for name in FEW)]
        sorts = [step for step in plan if "TEMP B-TREE" in step]
    else:
        scans = [step for step in plan if "Seq Scan on aiops_call" in step]
        sorts = [step for step in plan if "Sort" in step]
    return scans + ([] if few else sorts)


@pytest.mark.parametrize("look", [1, 1000])
def test_no_filter_nor_two_together_nor_a_link_nor_a_search_reads_the_whole_log(boss, log, monkeypatch, look):
    monkeypatch.setattr(narrowing, "LOOK", look)
    monkeypatch.setattr(narrowing, "LOOK_INTO", look)
    monkeypatch.setattr(narrowing, "SAMPLE", look)
    kinds = list(offered(boss).values())
    assert len(kinds) >= 10
    pairs = [f"{one}&{other}" for one, other in combinations(kinds, 2)]
    newest, user = log[-1].pk, log[0].user
    of_sums = [f"prompt={log[0].prompt_version.prompt_id}", f"user={user.pk}", "model=gpt-6-luna-2026-09-01"]
    of_sums += ["cost=unknown", "cost=saved", f"group={user.groups.create(name='alone').pk}"]
    links = ["job_id=1", "item_id=1", f"id__lt={newest}", *of_sums]
    links += [f"{link}&{kind}" for link in links for kind in kinds]
    links += [f"{one}&{other}" for one, other in combinations(of_sums, 2)]
    searches = [f"q={newest}", "q=card", f"item_id={newest.int % 1000}", "o=1", "o=-3", "p=1"]
    statements = {sql for query in [*kinds, *pairs, *links, *searches] for sql in asked_of_calls(boss, query)}
    assert len(statements) > 50
    assert [(sql, faults) for sql in statements if (faults := faults_of(sql))] == []


def test_the_plans_are_looked_at_in_earnest(boss, log):
    assert faults_of('SELECT "aiops_call"."id" FROM "aiops_call" LIMIT 1') == []
    assert faults_of('SELECT "aiops_call"."id" FROM "aiops_call" WHERE "aiops_call"."purpose" = \'a\' LIMIT 1')
    assert faults_of('SELECT "aiops_call"."id" FROM "aiops_call" ORDER BY "aiops_call"."purpose" LIMIT 1')


def test_words_are_not_searched_for(boss, log):
    assert asked_of_calls(boss, "q=card") == []


@pytest.mark.parametrize("address", LISTS)
def test_nothing_is_counted_without_a_bound(boss, log, address):
    with CaptureQueriesContext(connection) as queries:
        boss.get(address)
    counts = [query["sql"] for query in queries.captured_queries if "COUNT(" in query["sql"]]
    assert counts
    assert [sql for sql in counts if f"LIMIT {BoundedPaginator.BOUND + 1}" not in sql] == []


@pytest.mark.parametrize("address", LISTS)
def test_an_order_that_is_not_offered_is_not_made(boss, log, address):
    usual = [row.pk for row in boss.get(address).context["cl"].result_list]
    for column in range(-9, 9):
        assert [row.pk for row in boss.get(address, {"o": column}).context["cl"].result_list] == usual


def test_conditions_that_hardly_come_together_are_looked_for_piece_by_piece(boss, version, monkeypatch):
    monkeypatch.setattr(narrowing, "LOOK", 5)
    monkeypatch.setattr(narrowing, "SAMPLE", 3)
    wanted = [make_call(version, status="failed").pk]
    for _ in range(12):
        make_call(version)
        make_call(None, status="failed")
    wanted.append(make_call(version, status="failed").pk)
    address, found, pages = f"{LIST}?status=failed&version={version.pk}", [], 0
    while address:
        page = boss.get(address)
        changes = page.context["cl"]
        found += [call.pk for call in changes.result_list]
        if beyond := changes.beyond():
            assert "These are among the newest 5 that were looked at" in page.content.decode()
        address = beyond and LIST + beyond
        pages += 1
    assert found == wanted[::-1]
    # Calls of one millisecond are in any order, so that a piece may end one sooner.
    assert pages in (3, 4)


def test_calls_of_several_versions_are_found_in_their_order_piece_by_piece(boss, monkeypatch):
    monkeypatch.setattr(narrowing, "LOOK", 6)
    often, seldom = make_version(), make_version()
    made = [make_call(seldom if number % 5 == 0 else often).pk for number in range(20)]
    make_call(make_version("another"))
    address, found, pages = f"{LIST}?prompt={often.prompt_id}", [], 0
    while address:
        changes = boss.get(address).context["cl"]
        found += [call.pk for call in changes.result_list]
        beyond = changes.beyond()
        address = beyond and LIST + beyond
        pages += 1
    # Those of one millisecond are in any order.
    assert found == sorted(made, reverse=True)
    assert pages > 2


def test_calls_of_more_versions_than_can_be_followed_are_looked_for_by_time(boss, monkeypatch):
    monkeypatch.setattr(conditions, "MOST_WAYS", 1)
    monkeypatch.setattr(narrowing, "LOOK", 5)
    versions = [make_version(), make_version()]
    made = [make_call(versions[number % 2]).pk for number in range(3)]
    for _ in range(5):
        make_call(make_version("another"))
    page = boss.get(f"{LIST}?prompt={versions[0].prompt_id}&status=succeeded").context["cl"]
    alone = boss.get(f"{LIST}?prompt={versions[0].prompt_id}").context["cl"]
    assert list(alone.result_list) == []
    assert alone.looked_at == 5
    beyond = boss.get(LIST + alone.beyond()).context["cl"]
    assert [call.pk for call in beyond.result_list] == sorted(made, reverse=True)
    assert page.looked_at == 5


def test_where_one_condition_finds_few_all_of_them_are_looked_at(boss, version, monkeypatch):
    monkeypatch.setattr(narrowing, "LOOK", 5)
    monkeypatch.setattr(narrowing, "SAMPLE", 3)
    old = make_call(version, status="failed")
    for _ in range(12):
        make_call(version)
    page = boss.get(LIST, {"status": "failed", "version": version.pk, "connection": "default"})
    assert [call.pk for call in page.context["cl"].result_list] == [old.pk]
    assert page.context["cl"].beyond() is None
    assert "looked at" not in page.content.decode()


def test_calls_of_a_job_stay_those_of_the_job_when_filters_are_cleared(boss, version):
    job = make_job(version, succeeded=2, failed=1)
    make_call(version, status="failed")
    changes = boss.get(LIST, {"job_id": job.pk, "status": "failed"}).context["cl"]
    assert [call.job_id for call in changes.result_list] == [job.pk]
    assert changes.clear_all_filters_qs == f"?job_id={job.pk}"
    assert len(boss.get(LIST, {"job_id": "none"}).context["cl"].result_list) == 0


def test_a_filter_that_a_list_would_not_heed_is_refused(boss, log):
    class Plain(admin.ModelAdmin):
        list_filter = (StatusFilter,)

    request = RequestFactory().get(LIST)
    request.user = boss.user
    with pytest.raises(ImproperlyConfigured, match="StatusFilter"):
        Plain(Call, admin.site).get_changelist_instance(request)
