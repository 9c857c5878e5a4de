"""What must work whoever the users are. Run by `tests/test_custom_user.py` with settings of its own."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from aiops.calls.models import Call
from aiops.jobs.models import Job
from project.helpdesk.models import Ticket
from prompts.models import Prompt

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(client):
    person = get_user_model().objects.create_superuser("ada@example.org")
    client.force_login(person)
    return person


@pytest.fixture
def triage(person):
    prompt = Prompt.objects.create(name="triage", title="Triage")
    version = prompt.add_version(messages=[{"role": "user", "content": "{{ text }}"}], by=person)
    version.publish(by=person)
    return version


@pytest.fixture
def job(client, triage, provider):
    ticket = Ticket.objects.create(subject="Card", text="Where is my card?")
    page = reverse("admin:helpdesk_ticket_run_prompt", args=[ticket.pk])
    quote = client.post(page, {"step": "quote", "prompt": "triage", "version": "production"})
    confirm = quote.context["confirm"].initial
    client.post(page, {"step": "run", "prompt": "triage", "version": "production", **confirm})
    return Job.objects.get()


def test_the_user_model_is_the_sites_own(person):
    assert get_user_model()._meta.label == "custom_user.Person"
    assert not hasattr(person, "username")


def test_a_job_belongs_to_the_person_who_started_it(job, person, triage):
    assert (job.user, job.version, job.item_count) == (person, triage, 1)


def test_every_admin_page_is_served(client, job, person):
    call = Call.objects.create(
        connection="default", model_asked="m", user=person, job_id=job.pk, started_at=timezone.now()
    )
    assert call.user == person
    served = []
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label not in {"prompts", "aiops", "helpdesk"}:
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages = [reverse(f"{name}_changelist")]
        request = type("Request", (), {"user": person})()
        if model_admin.has_add_permission(request):
            pages.append(reverse(f"{name}_add"))
        if row := model.objects.first():
            pages.append(reverse(f"{name}_change", args=[row.pk]))
        for page in pages:
            assert client.get(page).status_code == 200, page
            served.append(page)
    assert len(served) >= 10
