"""A shop with an admin site of its own beside Django's: whoever is in one stays in it, whatever its rows are called."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.urls import path, reverse
from django.utils import timezone
from import_export.resources import ModelResource

from aiops.admin import BudgetAdmin, CallAdmin, ItemAdmin, JobAdmin, RunPromptMixin
from aiops.calls.models import Call
from aiops.jobs.models import Item, Job
from aiops.ledger.models import Budget
from aiops.resources import register, unregister
from project.urls import urlpatterns as of_the_site
from prompts.admin import OutputSchemaAdmin, PromptAdmin, PromptVersionAdmin, SchemaVersionAdmin
from prompts.models import OutputSchema, Prompt, PromptVersion, SchemaVersion
from tests.screens.rows import make_call, make_job

KEY = "a_2Fb/c?d"
"""Of a row whose primary key is text: read as it stands in an address, it would mean another row."""


class SessionAdmin(RunPromptMixin, admin.ModelAdmin):
    """Rows with a primary key that is text."""


class SessionSource(ModelResource):
    class Meta:
        model = Session
        fields = ("session_data",)


back_office = admin.AdminSite("back")
for model, model_admin in (
    (Session, SessionAdmin),
    (Budget, BudgetAdmin),
    (Call, CallAdmin),
    (Item, ItemAdmin),
    (Job, JobAdmin),
    (OutputSchema, OutputSchemaAdmin),
    (Prompt, PromptAdmin),
    (PromptVersion, PromptVersionAdmin),
    (SchemaVersion, SchemaVersionAdmin),
):
    back_office.register(model, model_admin)

# Sites that show a part of it only.
small, tiny = admin.AdminSite("small"), admin.AdminSite("tiny")
small.register(Prompt, PromptAdmin)
small.register(PromptVersion, PromptVersionAdmin)
tiny.register(Prompt, PromptAdmin)

urlpatterns = [
    path("back/", back_office.urls),
    path("small/", small.urls),
    path("tiny/", tiny.urls),
    *of_the_site,
]

pytestmark = [pytest.mark.urls(__name__), pytest.mark.usefixtures("provider")]


@pytest.fixture
def row(db):
    register(Session, source=SessionSource)
    yield Session.objects.create(session_key=KEY, session_data="Where is my money?", expire_date=timezone.now())
    unregister(Session)


@pytest.fixture
def version(version):
    schema = OutputSchema.objects.create(name="triage", title="Triage").add_version(
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
    )
    later = version.prompt.add_version(messages=[{"role": "user", "content": "{{ session_data }}"}], schema=schema)
    version.set_label("staging")
    later.publish()
    return later


# --- Keys that are text


def test_a_row_whose_key_is_text_is_found_by_its_links(boss, version, row):
    own_page = f"/back/sessions/session/{quote(KEY)}/change/"
    job = make_job(version, succeeded=1, row_type=ContentType.objects.get_for_model(row))
    job.items.update(row_key=KEY)
    html = boss.get(reverse("admin:aiops_item_change", args=(job.items.get().pk,), current_app="back")).content.decode()
    assert f'href="{own_page}"' in html
    assert boss.get(own_page).status_code == 200


def test_a_prompt_is_run_on_a_row_whose_key_is_text(boss, version, row):
    address = f"/back/sessions/session/{quote(KEY)}/run-prompt/"
    assert f'href="{address}"' in boss.get(f"/back/sessions/session/{quote(KEY)}/change/").content.decode()
    page = boss.get(address)
    assert f'href="/back/sessions/session/{quote(KEY)}/change/"' in page.content.decode()
    chosen = {"prompt": version.prompt.name, "version": "production", "step": "quote"}
    assert boss.post(address, chosen).context["quote"].rows == 1


# --- Two sites


def links(client, address: str) -> set[str]:
    answer = client.get(address, follow=True)
    assert answer.status_code == 200, address
    return set(re.findall(r"""(?:href|action|data-aiops-live)=["'](/[^"'#?]*)""", answer.content.decode()))


def test_no_link_leaves_the_site(boss, version, row):
    job = make_job(version, succeeded=1, failed=1, user=boss.user)
    call = make_call(version, job_id=job.pk, item_id=job.items.first().pk)
    about = {
        "aiops_job": job,
        "aiops_item": job.items.first(),
        "aiops_call": call,
        "aiops_budget": Budget.objects.first(),
        "prompts_prompt": version.prompt,
        "prompts_promptversion": version,
        "prompts_outputschema": version.schema.schema,
        "prompts_schemaversion": version.schema,
    }
    pages = [reverse("admin:aiops_job_run_file", current_app="back")]
    for name, each in about.items():
        pages.append(reverse(f"admin:{name}_changelist", current_app="back"))
        pages.append(reverse(f"admin:{name}_change", args=(each.pk,), current_app="back"))
    for name in ("prompts_prompt", "prompts_promptversion"):
        pages.append(reverse(f"admin:{name}_run-file", args=(about[name].pk,), current_app="back"))
    strangers = {page: {link for link in links(boss, page) if link.startswith("/admin/")} for page in pages}
    assert {page: found for page, found in strangers.items() if found} == {}


def test_an_empty_site_leads_nobody_away(boss):
    Budget.objects.all().delete()
    for model in ("job", "item", "call", "budget"):
        page = reverse(f"admin:aiops_{model}_changelist", current_app="back")
        assert not [link for link in links(boss, page) if link.startswith("/admin/")]


def test_running_a_file_from_a_prompt_stays_in_the_site(boss, version):
    answer = boss.get(reverse("admin:prompts_prompt_run-file", args=(version.prompt_id,), current_app="back"))
    assert answer.headers["Location"].startswith("/back/aiops/job/run-file/?")


@pytest.mark.parametrize("site", ["small", "tiny"])
def test_a_site_that_has_a_part_only_leads_nowhere_else(boss, version, site):
    make_job(version, succeeded=1)
    pages = [reverse("admin:prompts_prompt_change", args=(version.prompt_id,), current_app=site)]
    if site == "small":
        pages.append(reverse("admin:prompts_promptversion_change", args=(version.pk,), current_app=site))
    for page in pages:
        assert all(link.startswith((f"/{site}/", "/static/")) for link in links(boss, page) - {"/"}), page
    run_file = reverse("admin:prompts_prompt_run-file", args=(version.prompt_id,), current_app=site)
    assert boss.get(run_file).status_code == 404
