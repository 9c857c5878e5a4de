"""What jobs and calls add to the pages of prompts."""

from __future__ import annotations

import re
from datetime import timedelta

from django.urls import reverse

from tests.screens.rows import make_call, make_job, make_version
from tests.spend.days import call_on, today


def page_of(row) -> str:
    return reverse(f"admin:prompts_{row._meta.model_name}_change", args=(row.pk,))


def test_lists_of_prompts_and_versions_count_jobs_without_a_query_each(boss, version, django_assert_max_num_queries):
    make_job(version, succeeded=1)
    make_job(make_version(), succeeded=1)
    prompts = boss.get("/admin/prompts/prompt/").content.decode()
    assert re.search(r'<td class="field-jobs">2</td>', prompts)
    versions = boss.get("/admin/prompts/promptversion/").content.decode()
    assert len(re.findall(r'<td class="field-jobs">1</td>', versions)) == 2
    for number in range(10):
        make_version(f"prompt-{number}")
    with django_assert_max_num_queries(8):
        boss.get("/admin/prompts/prompt/")


def test_a_version_says_what_used_it(boss, sign_in, version):
    assert "No job yet" in boss.get(page_of(version)).content.decode()
    make_job(version, succeeded=2)
    call_on(today(), version, cost=100_000)
    call_on(today() - timedelta(days=40), version, cost=2_000_000)
    call_on(today(), version, cost=None)
    html = " ".join(boss.get(page_of(version)).content.decode().split())
    assert f'<a href="/admin/aiops/job/?version={version.pk}">1 job</a>' in html
    assert (
        f'<a href="/admin/aiops/call/?version={version.pk}">3 calls</a>, $0.0021 in all and 1 call of unknown' in html
    )
    assert "in the last 30 days 2, $0.00010" in html
    outsider = sign_in("prompts.view_promptversion").get(page_of(version)).content.decode()
    assert "/admin/aiops/" not in outsider


def test_a_version_and_a_prompt_lead_to_a_job(sign_in, version):
    runner = sign_in("prompts.view_prompt", "prompts.view_promptversion", "aiops.view_job", "aiops.run_job")
    for row, chosen in ((version, 'value="1"'), (version.prompt, 'value="production"')):
        address = f"{page_of(row).removesuffix('change/')}run-file/"
        assert address in runner.get(page_of(row)).content.decode()
        form = runner.get(address, follow=True).content.decode()
        assert '<option value="triage-ticket" selected>' in form and chosen in form
        assert runner.post(address).status_code == 405
    # The page is one of the jobs: whoever may not see these would be turned away there.
    for more in ((), ("aiops.run_job",), ("aiops.view_job",)):
        looker = sign_in("prompts.view_prompt", "prompts.view_promptversion", *more)
        assert "run-file" not in looker.get(page_of(version)).content.decode()
        assert looker.get(address).status_code == 403


def test_a_new_version_chooses_among_the_connections_of_the_site(boss, version):
    html = boss.get(f"/admin/prompts/promptversion/add/?prompt={version.prompt_id}").content.decode()
    assert '<option value="local">' in html


def test_a_connection_that_makes_no_sense_is_not_in_the_way_of_the_others(boss, version, settings):
    others = settings.AIOPS["CONNECTIONS"]
    settings.AIOPS = settings.AIOPS | {"CONNECTIONS": others | {"broken": {"BASE_URL": "localhost"}}}
    html = boss.get(f"/admin/prompts/promptversion/add/?prompt={version.prompt_id}").content.decode()
    assert '<option value="local">' in html and "broken" not in html
    make_call(version)
    assert "?connection=local" in boss.get("/admin/aiops/call/").content.decode()
