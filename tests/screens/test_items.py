"""The pages of items, as people see them."""

from __future__ import annotations

import pytest
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from aiops.jobs.models import Item
from aiops.lists import BoundedPaginator
from project.helpdesk.models import Ticket
from tests.screens.rows import make_call, make_job

LIST = "/admin/aiops/item/"


def page_of(item: Item) -> str:
    return reverse("admin:aiops_item_change", args=(item.pk,))


def positions(client, **query) -> list[int]:
    return [item.position for item in client.get(LIST, query).context["cl"].result_list]


def test_the_list_says_what_to_do_while_it_is_empty(boss):
    assert "Go to the jobs" in boss.get(LIST).content.decode()


def test_items_of_a_job_are_listed_in_the_order_of_its_rows(boss, version):
    make_job(version, succeeded=2)
    job = make_job(version, succeeded=2, failed=2, pending=1)
    assert positions(boss, job=job.pk) == [1, 2, 3, 4, 5]
    assert positions(boss, job=job.pk, status="failed") == [3, 4]
    assert positions(boss, job=job.pk, status="failed", error_kind="cut_off") == [3, 4]
    assert positions(boss, job=job.pk, status="failed", error_kind="schema") == []
    assert positions(boss, job="nonsense") == []
    assert len(positions(boss)) == 7


# PostgreSQL sorts a table this small without its indexes.
@pytest.mark.sqlite
def test_the_order_is_that_of_an_index(boss, version):
    job = make_job(version, succeeded=2)
    for query in ({"job": job.pk}, {"job": job.pk, "status": "succeeded"}, {}):
        plan = boss.get(LIST, query).context["cl"].queryset.explain()
        assert "aiops_item" in plan
        assert "TEMP B-TREE FOR ORDER BY" not in plan, plan


def test_the_list_takes_as_many_queries_for_many_items(boss, version, django_assert_num_queries):
    job = make_job(version, succeeded=40, failed=8)
    boss.get(LIST)
    # Session, user, jobs of the filter, count, keys, items, stops.
    with django_assert_num_queries(7):
        html = boss.get(LIST, {"job": job.pk}).content.decode()
    assert "category refund · priority high" in html
    assert "<strong>cut off:</strong> The answer was cut off" in html


def test_a_long_job_leads_on(boss, version, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "BOUND", 10)
    job = make_job(version, pending=25)
    changes = boss.get(LIST, {"job": job.pk}).context["cl"]
    assert changes.paginator.count == 10
    beyond = boss.get(LIST + changes.beyond()).context["cl"]
    assert beyond.result_list[0].position == 11
    assert boss.get(LIST).context["cl"].beyond() is None


def test_the_page_shows_question_answer_and_calls(boss, version, django_assert_num_queries):
    ticket = Ticket.objects.create(subject="Charged twice", text="…")
    job = make_job(version, succeeded=3, row_type=ContentType.objects.get_for_model(ticket))
    item = job.items.get(position=2)
    Item.objects.filter(pk=item.pk).update(row_key=str(ticket.pk))
    make_call(version, status="failed", item_id=item.pk, job_id=job.pk)
    boss.get(page_of(item))
    # Session, user, item, ticket, before, after, calls.
    with django_assert_num_queries(8):
        html = " ".join(boss.get(page_of(item)).content.decode().split())
    assert "Question 2: where is my money?" in html
    assert ">refund<" in html and ">items</th>" in html
    assert f"ticket {ticket.pk}: Charged twice" in html
    assert html.count("/admin/aiops/call/0") == 2
    assert "← #1" in html and "#3 →" in html


def test_the_first_item_has_none_before_it(boss, version):
    job = make_job(version, succeeded=1)
    html = boss.get(page_of(job.items.get())).content.decode()
    assert "←" not in html and "→" not in html
    assert "line of a file" in html


def test_a_failed_item_says_why_and_what_to_do(boss, version):
    html = boss.get(page_of(make_job(version, failed=1).items.get())).content.decode()
    assert "The answer was cut off at 1,024 tokens." in html
    assert "Add a version with a higher output limit" in html


@pytest.mark.parametrize("answer", ["<script>alert(1)</script>", {"<b>": "<img src=x onerror=alert(1)>"}, [1], 7])
def test_nothing_of_an_answer_runs(boss, version, answer):
    job = make_job(version, succeeded=1)
    job.items.update(data=answer)
    for address in (page_of(job.items.get()), LIST, reverse("admin:aiops_job_change", args=(job.pk,))):
        html = boss.get(address).content.decode()
        assert "<script>alert" not in html and "<img src=x" not in html and "<b>" not in html
