"""The log of calls, as people see it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from aiops.calls.models import Call
from aiops.lists import BoundedPaginator
from project.helpdesk.models import Ticket
from tests.screens.rows import SECRET, make_call, make_job, row_of

LIST = "/admin/aiops/call/"


def page_of(call: Call) -> str:
    return reverse("admin:aiops_call_change", args=(call.pk,))


def test_the_list_says_what_to_do_while_it_is_empty(boss):
    assert "No call has been made yet" in boss.get(LIST).content.decode()


def test_the_list_shows_what_a_call_was_and_what_it_cost(boss, version):
    make_call(version)
    make_call(version, status="sending")
    make_call(version, status="unknown")
    html = boss.get(LIST).content.decode()
    assert "1,234 / 25" in html
    assert "$0.00041" in html
    assert "1.2 s" in html
    assert "gpt-6-luna-2026-09-01" in html
    for word in ("succeeded", "sending", "unknown"):
        assert f"aiops-{word}" in html


def test_the_list_takes_as_many_queries_for_many_calls_as_for_one(boss, version, django_assert_num_queries):
    make_call(version)
    boss.get(LIST)
    with django_assert_num_queries(7):
        boss.get(LIST)
    for _ in range(30):
        make_call(version, user=boss.user)
    # Session, user, versions of the filter, count, keys, rows, stops.
    with django_assert_num_queries(7):
        boss.get(LIST)


def test_the_list_leaves_the_bodies_in_the_database(boss, version, django_assert_num_queries):
    make_call(version)
    with django_assert_num_queries(7) as queries:
        assert SECRET not in boss.get(LIST).content.decode()
    assert not [query for query in queries if '"aiops_call"."messages"' in query["sql"]]


def test_a_list_longer_than_is_counted_leads_on(boss, version, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "BOUND", 60)
    calls = [make_call(version) for _ in range(130)]
    seen = set()
    address, pages = LIST, 0
    while address:
        last = boss.get(address)
        for number in range(1, last.context["cl"].paginator.num_pages + 1):
            page = boss.get(address, {"p": number}) if "?" not in address else boss.get(f"{address}&p={number}")
            seen |= {call.pk for call in page.context["cl"].result_list}
        beyond = last.context["cl"].beyond()
        address = LIST + beyond if beyond else None
        pages += 1
    assert seen == {call.pk for call in calls}
    assert pages == 3


@pytest.mark.parametrize(
    ("query", "found"),
    [("status=failed", 1), ("connection=other", 1), ("connection=nowhere", 0), ("version=none", 0), ("q=nonsense", 0)],
)
def test_the_list_can_be_narrowed(boss, version, query, found):
    make_call(version)
    make_call(version, status="failed", connection="other")
    assert len(boss.get(f"{LIST}?{query}").context["cl"].result_list) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "failed", "connection": "other"}, 1),
        ({"status": "failed", "connection": "default"}, 1),
        ({"status": "succeeded", "connection": "default"}, 2),
        ({"status": "failed", "version": 1}, 1),
        ({"status": "succeeded", "version": 1}, 1),
        ({"connection": "default", "version": 1}, 1),
        ({"status": "succeeded", "connection": "default", "version": 1}, 1),
        ({"status": "unknown", "version": 1}, 0),
    ],
)
def test_the_list_can_be_narrowed_by_several_things(boss, version, query, found):
    if "version" in query:
        query["version"] = version.pk
    make_call(version)
    make_call(None)
    make_call(None, status="failed")
    make_call(version, status="failed", connection="other")
    assert len(boss.get(LIST, query).context["cl"].result_list) == found


def test_a_call_is_found_by_its_id(boss, version):
    make_call(version)
    wanted = make_call(version)
    assert [call.pk for call in boss.get(LIST, {"q": f" {wanted.pk} "}).context["cl"].result_list] == [wanted.pk]


@pytest.mark.parametrize(
    "lookup", ["output__icontains", "messages__0__content__startswith", "user__password__startswith"]
)
def test_nobody_can_guess_a_text_by_filtering_by_it(sign_in, version, lookup):
    make_call(version)
    client = sign_in("aiops.view_call")
    assert client.get(LIST, {lookup: "a"}).status_code == 400


def test_the_page_shows_all_of_a_call(boss, version, django_assert_num_queries):
    ticket = Ticket.objects.create(subject="Charged twice", text="…")
    call = make_call(
        version,
        status="failed",
        attempts=[{"number": 1, "kind": "rate_limited", "status": 429, "billed": "no", "waited": 0.0}],
        attempt_count=2,
        provider_request_id="req-77",
        **row_of(ticket),
    )
    with django_assert_num_queries(5):  # session, user, stops, call, ticket
        html = boss.get(page_of(call)).content.decode()
    assert "&lt;b&gt;Hello&lt;/b&gt;, my card number is 4111." in html
    assert "cut off:" in html and "The answer was cut off at 1,024 tokens." in html
    assert "Add a version with a higher output limit" in html
    assert "rate limited" in html and "429" in html
    assert "input tokens, beyond 128,000 tokens of input" in html
    assert "$0.0002" not in html and "$0.2" in html
    assert "genai-prices 0.2.3" in html
    assert "req-77" in html
    assert f'href="/admin/helpdesk/ticket/{ticket.pk}/change/">ticket {ticket.pk}: Charged twice</a>' in html


def test_bodies_are_for_those_with_the_permission(sign_in, version):
    call = make_call(version)
    html = sign_in("aiops.view_call").get(page_of(call)).content.decode()
    assert SECRET not in html and "refund" not in html
    assert "Can read what was asked and answered" in html
    assert "$0.00041" in html
    assert SECRET in sign_in("aiops.view_call", "aiops.view_call_body").get(page_of(call)).content.decode()


def test_an_error_that_may_quote_the_answer_is_for_them_too(sign_in, version):
    text = "The output breaks its schema: name: “Anna Müller” is not one of card, cash"
    call = make_call(version, status="failed", error_kind="schema", error_text=text)
    html = sign_in("aiops.view_call").get(page_of(call)).content.decode()
    assert "Anna" not in html
    assert "<strong>schema</strong>" in html and "use a model that keeps to a schema" in html
    assert text in sign_in("aiops.view_call", "aiops.view_call_body").get(page_of(call)).content.decode()


def test_a_row_is_named_only_to_those_who_may_see_it(sign_in, version):
    ticket = Ticket.objects.create(subject="Charged twice", text="…")
    call = make_call(version, **row_of(ticket))
    html = sign_in("aiops.view_call").get(page_of(call)).content.decode()
    assert "Charged twice" not in html and f"ticket {ticket.pk}" in html
    ticket.delete()
    html = sign_in("aiops.view_call", "helpdesk.view_ticket").get(page_of(call)).content.decode()
    assert "gone, or not among those you may see" in html


@pytest.mark.parametrize(("cost", "shown"), [(None, "unknown"), (0, "$0.00")])
def test_an_unknown_cost_is_never_nothing(boss, version, cost, shown):
    call = make_call(version, cost=cost, price=None)
    assert f"<dt>cost</dt><dd>{shown}</dd>" in boss.get(page_of(call)).content.decode()


def test_an_answer_given_again_took_no_time(boss, version):
    paid = make_call(version)
    again = make_call(version, reused_from=paid.pk, saved=410_000, cost=0)
    assert "time in all" in boss.get(page_of(paid)).content.decode()
    html = boss.get(page_of(again)).content.decode()
    assert "Nothing was sent" in html
    assert "time in all" not in html and "time to the first byte" not in html


def test_only_buckets_that_something_was_counted_in_are_listed(boss, version):
    html = boss.get(page_of(make_call(version))).content.decode()
    assert '<th scope="row">input tokens</th>' in html
    assert '<th scope="row">audio input tokens</th>' not in html


def test_a_call_whose_end_nobody_knows_says_so(boss, version):
    assert (
        "Nobody knows how this call ended" in boss.get(page_of(make_call(version, status="unknown"))).content.decode()
    )


def test_a_call_leads_to_its_item_and_job(boss, version):
    job = make_job(version, succeeded=1)
    item = job.items.get()
    html = boss.get(reverse("admin:aiops_call_change", args=(item.call_id,))).content.decode()
    assert f"/admin/aiops/item/{item.pk}/change/" in html
    assert f"/admin/aiops/job/{job.pk}/change/" in html


def test_it_leads_nobody_to_a_page_that_is_not_theirs(sign_in, version):
    job = make_job(version, succeeded=1)
    call = make_call(version, job_id=job.pk, item_id=job.items.get().pk)
    payer = sign_in("aiops.view_call")
    for page in ("/admin/aiops/call/", f"/admin/aiops/call/{call.pk}/change/"):
        html = payer.get(page).content.decode()
        assert "/admin/aiops/item/" not in html and "/admin/aiops/job/" not in html


def test_there_is_no_page_of_a_call_that_does_not_exist(boss):
    assert boss.get("/admin/aiops/call/no-such-call/change/").status_code == 302
