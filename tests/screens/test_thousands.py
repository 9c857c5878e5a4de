"""Numbers are written for people in texts, and for machines in addresses and forms, whatever the site's format."""

from __future__ import annotations

import re

import pytest
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from aiops.cache.models import CachedAnswer
from aiops.catalogue.models import ModelCard
from aiops.jobs.models import Job
from aiops.ledger.models import Budget
from project.helpdesk.models import Ticket
from prompts.models import OutputSchema, Prompt, PromptVersion, SchemaVersion
from tests.screens.rows import make_cached_answer, make_call, make_job

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


@pytest.fixture
def pages(db, settings, boss):
    """Addresses of every page, whose rows all have keys and numbers beyond a thousand.

    The keys are far beyond what other tests bring a sequence of PostgreSQL to: it goes on where the last test ended.
    """
    settings.USE_THOUSAND_SEPARATOR = True
    schema = OutputSchema.objects.create(pk=500_002_001, name="triage", title="Triage")
    form = SchemaVersion(pk=500_002_002, schema=schema, number=2003, body=SCHEMA)
    form.save()
    prompt = Prompt.objects.create(pk=500_002_004, name="triage-ticket", title="Triage", last_number=2005)
    version = PromptVersion(
        pk=500_002_006, prompt=prompt, number=2005, schema=form, messages=[{"role": "user", "content": "{{ text }}"}]
    )
    version.save()
    other = PromptVersion(
        pk=500_002_007, prompt=prompt, number=2008, messages=[{"role": "user", "content": "{{ text }}"}]
    )
    other.save()
    version.publish()
    other.set_label("staging")
    ticket = Ticket.objects.create(pk=500_002_009, subject="Charged twice", text="…")
    kind = ContentType.objects.get_for_model(Ticket)
    job = make_job(version, id=500_002_010, user=boss.user, succeeded=1, failed=1100, pending=1, row_type=kind)
    item = job.items.get(position=1050)
    item.pk = 10**9
    item.position = 3000
    item.row_key = str(ticket.pk)
    item.save(force_insert=True)
    budget = Budget.objects.create(pk=500_002_012, name="Large", cap=5_000 * 10**9)
    call = make_call(version, job_id=job.pk, item_id=item.pk, row_type=kind, row_key=str(ticket.pk))
    answer = make_cached_answer(version)
    CachedAnswer.objects.update(id=500_002_013, hits=5_000, size=5_000)
    answer.pk = 500_002_013
    model = ModelCard.objects.create(pk=500_002_014, connection="default", model="gpt-6-luna", context_limit=400_000)
    rows = (schema, form, prompt, version, other, ticket, job, item, budget, call, answer, model)
    lists = {type(row): reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_changelist") for row in rows}
    changes = [reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=(row.pk,)) for row in rows]
    return [
        *lists.values(),
        *changes,
        f"/admin/aiops/item/?job={job.pk}",
        f"/admin/prompts/promptversion/add/?prompt={prompt.pk}",
        f"/admin/prompts/schemaversion/add/?schema={schema.pk}&from=2003",
        f"/admin/helpdesk/ticket/{ticket.pk}/run-prompt/",
    ]


def test_no_address_and_no_field_has_a_number_written_for_people(boss, pages):
    found = {}
    for page in pages:
        html = boss.get(page).content.decode()
        attributes = re.findall(r"""(?:href|action|value|name|id|max|for)=(?:"([^"]*)"|'([^']*)')""", html)
        found[page] = [part for pair in attributes for part in pair if re.search(r"\d,\d{3}", part)]
    assert {page: parts for page, parts in found.items() if parts} == {}


def test_a_next_version_starts_from_the_one_that_was_chosen(boss, pages):
    html = boss.get("/admin/prompts/prompt/500002004/change/").content.decode()
    assert "?prompt=500002004&amp;from=2005" in html


def test_a_quote_of_thousands_of_rows_is_confirmed(boss, pages, provider):
    Ticket.objects.bulk_create(Ticket(subject=f"{n}", text=f"Text {n}") for n in range(1_500))
    chosen = {"action": "run_prompt", "select_across": "1", "_selected_action": "500002009", "step": "quote"}
    choices = {"prompt": "triage-ticket", "version": "2008", "limit": "1200", "empty": ""}
    html = boss.post("/admin/helpdesk/ticket/", chosen | choices).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html))
    boss.post("/admin/helpdesk/ticket/", hidden | {"step": "run"})
    assert Job.objects.exclude(pk=500_002_010).get().item_count == 1_200
