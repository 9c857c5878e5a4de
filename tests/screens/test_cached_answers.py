"""What is kept, as people see it."""

from __future__ import annotations

import re

import pytest

from aiops.cache.models import CachedAnswer
from tests.screens.rows import SECRET, make_call, make_version
from tests.screens.rows import make_cached_answer as kept

LIST = "/admin/aiops/cachedanswer/"


def page(answer, name="change"):
    return f"{LIST}{answer.pk}/{name}/"


def shown(client, **query):
    return {answer.pk for answer in client.get(LIST, query).context["cl"].result_list}


def test_the_list_says_what_will_be_there_while_it_is_empty(boss):
    html = boss.get(LIST).content.decode()
    assert "No answer is kept." in html
    assert "Where the cache is switched on" in html


def test_the_list_shows_what_is_kept_and_what_it_saves(boss, version):
    answer = kept(version)
    CachedAnswer.objects.update(hits=1_234, size=34_500)
    html = boss.get(LIST).content.decode()
    for part in (
        "triage-ticket v1",
        "gpt-6-luna",
        "default",
        "33.7\xa0KB",
        "1,234",
        "$0.00041",
        "$0.51",
        "in 2\xa0hours",
    ):
        assert part in html, part
    assert page(answer) in html
    assert SECRET not in html


def test_an_unknown_saving_is_never_nothing(boss):
    answer = kept(cost=None)
    CachedAnswer.objects.update(hits=3)
    assert "unknown" in boss.get(LIST).content.decode()
    assert "<dt>saved so far</dt><dd>unknown</dd>" in boss.get(page(answer)).content.decode()


def test_the_list_takes_as_many_queries_for_many_as_for_one(boss, version, django_assert_num_queries):
    kept(version)
    boss.get(LIST)
    for _ in range(2):
        # Session, user, count, keys, rows, stops.
        with django_assert_num_queries(6) as queries:
            boss.get(LIST)
        kept(version, 30)
    read = [query["sql"] for query in queries]
    assert not [sql for sql in read if '"body"' in sql or '"messages"' in sql]


def test_it_is_found_by_its_prompt_its_version_and_its_model(boss, version):
    second, other = make_version(), make_version("greet")
    one, two = kept(version), kept(second)
    three, four = kept(other, model="smollm2"), kept(model="gpt-6-astra")
    assert shown(boss) == {one.pk, two.pk, three.pk, four.pk}
    assert shown(boss, q="triage-ticket") == {one.pk, two.pk}
    assert shown(boss, q=" triage-ticket@2 ") == {two.pk}
    assert shown(boss, q="gpt-6-astra") == {four.pk}
    assert shown(boss, q="smollm2") == {three.pk}
    assert shown(boss, prompt_version=version.pk) == {one.pk}
    for nothing in ("triage-ticket@9", "triage-ticket@nonsense", f"triage-ticket@{'9' * 30}", "nonsense"):
        assert shown(boss, q=nothing) == set()


@pytest.mark.sqlite
def test_each_way_to_find_it_has_an_index(boss, version):
    kept(version)
    for term, index in (("triage-ticket", "aiops_cached_version"), ("gpt-6-astra", "aiops_cached_model")):
        assert index in boss.get(LIST, {"q": term}).context["cl"].queryset.explain()


@pytest.mark.parametrize("lookup", ["body__startswith", "key__startswith", "prompt_version__messages__0__content"])
def test_nobody_can_guess_an_answer_by_filtering_by_it(sign_in, version, lookup):
    kept(version)
    assert sign_in("aiops.view_cachedanswer").get(LIST, {lookup: "a"}).status_code == 400


def test_the_page_leads_to_the_version_and_to_the_call_that_paid(boss, version, django_assert_num_queries):
    call = make_call(version)
    answer = kept(version)
    CachedAnswer.objects.update(call_id=call.pk)
    with django_assert_num_queries(5):  # session, user, switch, answer, its text
        html = boss.get(page(answer)).content.decode()
    assert f'href="/admin/aiops/call/{call.pk}/change/"' in html
    assert f'href="/admin/prompts/promptversion/{version.pk}/change/"' in html
    assert f'href="{page(answer, "delete")}"' in html
    assert f"&lt;b&gt;{SECRET}&lt;/b&gt;" in html


def test_the_answer_itself_is_for_those_who_may_read_bodies(sign_in, version, django_assert_num_queries):
    answer = kept(version)
    client = sign_in("aiops.view_cachedanswer")
    with django_assert_num_queries(6) as queries:  # Session, user, switch, two kinds of permissions, answer.
        html = client.get(page(answer)).content.decode()
    assert not [query["sql"] for query in queries if '"body"' in query["sql"]]
    assert SECRET not in html
    assert "Can read what was asked and answered" in html
    assert "/admin/aiops/call/" not in html and "/delete/" not in html
    reader = sign_in("aiops.view_cachedanswer", "aiops.view_call_body")
    assert SECRET in reader.get(page(answer)).content.decode()


def test_an_answer_that_cannot_be_read_any_more_says_so(boss):
    answer = kept()
    CachedAnswer.objects.update(form=0)
    assert "kept by another version of this program" in boss.get(page(answer)).content.decode()


def test_an_answer_with_half_a_character_is_shown_all_the_same(boss):
    answer = kept(text="half \ud83d of it \x00")
    assert "half \ufffd of it \ufffd" in boss.get(page(answer)).content.decode()


def test_to_delete_one_is_to_purge_it(boss, version):
    gone, stays = kept(version), kept(version)
    assert "kept on" in boss.get(page(gone, "delete")).content.decode()
    boss.post(page(gone, "delete"), {"post": "yes"})
    assert list(CachedAnswer.objects.values_list("pk", flat=True)) == [stays.pk]


def test_thousands_are_purged_without_a_page_that_names_them_all(boss, version):
    kept(version, 1_200)
    kept(None)
    chosen = {"action": "delete_selected", "select_across": "1", "_selected_action": "1"}
    html = boss.post(f"{LIST}?q=triage-ticket", chosen).content.decode()
    assert "1200" in html.replace(",", "")
    assert len(re.findall("kept on", html)) == 20
    assert "and 1,180 more" in html
    boss.post(f"{LIST}?q=triage-ticket", chosen | {"post": "yes"})
    assert CachedAnswer.objects.count() == 1


@pytest.mark.parametrize("permissions", [(), ("aiops.view_cachedanswer",)])
def test_who_may_not_purge_does_not(sign_in, version, permissions):
    answer = kept(version)
    client = sign_in(*permissions)
    assert client.post(page(answer, "delete"), {"post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": str(answer.pk), "post": "yes"})
    assert CachedAnswer.objects.count() == 1
