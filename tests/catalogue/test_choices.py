"""Where people choose a model they are offered those they may use, the best first."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from aiops.catalogue.choices import model_choices
from aiops.catalogue.models import ModelCard
from aiops.jobs.models import Job
from prompts.admin.forms import PromptVersionForm

DAY = timedelta(days=1)


def make(model, connection="default", **fields):
    return ModelCard.objects.create(connection=connection, model=model, last_seen_at=timezone.now(), **fields)


def names(user):
    return [model for model, _text in model_choices(user)]


def test_ones_favourites_come_first_and_what_has_ended_last(member, outsider):
    today = timezone.localdate()
    make("a")
    make("b", ends_on=today + 30 * DAY, title="The B")
    make("c", gone_at=timezone.now())
    make("z").opine(member, favourite=True)
    assert model_choices(member) == [
        ("z", "★ z (default)"),
        ("a", "a (default)"),
        ("b", f"The B (default): ends on {(today + 30 * DAY).isoformat()}"),
        ("c", "c (default): ended"),
    ]
    assert names(outsider) == ["a", "b", "z", "c"]


def test_a_model_is_offered_to_those_who_may_use_it(group, member, outsider):
    make("a").allow([group])
    assert names(member) == ["a"]
    assert names(outsider) == []
    assert names(User.objects.create_superuser("boss")) == ["a"]


def test_a_model_of_two_connections_is_offered_once_and_ended_only_where_it_is_gone_from_both(outsider):
    make("a", gone_at=timezone.now())
    other = make("a", "local")
    assert model_choices(outsider) == [("a", "a (default, local)")]
    ModelCard.objects.filter(pk=other.pk).update(gone_at=timezone.now())
    assert model_choices(outsider) == [("a", "a (default, local): ended")]


def test_models_that_are_for_something_else_are_not_offered_nor_those_of_connections_that_are_gone(outsider):
    make("text", abilities=",text,")
    make("unknown")
    make("vectors", abilities=",embeddings,")
    make("elsewhere", "azure")
    assert names(outsider) == ["text", "unknown"]


def test_it_is_one_query_however_many(outsider, django_assert_num_queries):
    ModelCard.objects.bulk_create(ModelCard(connection="default", model=f"m{n}") for n in range(2_500))
    with django_assert_num_queries(1):
        assert len(model_choices(outsider)) == 500


@pytest.fixture
def boss(db):
    client = Client()
    client.user = User.objects.create_superuser("boss")
    client.force_login(client.user)
    return client


def test_the_form_of_a_version_offers_them(boss, group, triage):
    make("gpt-6-luna", title="<b>GPT-6</b>").opine(boss.user, favourite=True)
    html = boss.get(reverse("admin:prompts_promptversion_add"), {"prompt": triage.prompt_id}).content.decode()
    assert 'list="id_model_choices"' in html
    assert '<option value="gpt-6-luna" label="★ &lt;b&gt;GPT-6&lt;/b&gt; (default)"></option>' in html


def test_the_form_of_a_version_without_a_user_takes_any_model_as_before(db):
    make("gpt-6-luna")
    assert "datalist" not in PromptVersionForm().as_p()


class TestRunPage:
    @pytest.fixture
    def post(self, boss, triage, tickets, budget, provider):
        """Goes from the choices to the quote, and on to the job."""

        def post(step, client=boss, **chosen):
            chosen = {"prompt": triage.prompt.name, "version": "production", "step": step} | chosen
            return client.post(reverse("admin:helpdesk_ticket_run_prompt", args=[tickets[0].pk]), chosen)

        return post

    def test_a_model_is_chosen_quoted_and_run(self, post, boss, tickets):
        make("gpt-6.1-sol")
        page = boss.get(reverse("admin:helpdesk_ticket_run_prompt", args=[tickets[0].pk])).content.decode()
        assert '<option value="gpt-6.1-sol" label="gpt-6.1-sol (default)"></option>' in page
        quote = post("quote", model="gpt-6.1-sol").content.decode()
        assert "on gpt-6.1-sol" in quote
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', quote))
        assert hidden["model"] == "gpt-6.1-sol"
        post("run", **{name: value for name, value in hidden.items() if name != "csrfmiddlewaretoken"})
        assert Job.objects.get().model == "gpt-6.1-sol"

    def test_without_one_it_is_the_versions_own(self, post):
        assert "on gpt-6-luna" in post("quote").content.decode()

    def test_one_that_is_not_for_this_person_is_refused_with_a_sentence(self, post, group, outsider, triage):
        make("gpt-6-luna").allow([group])
        outsider.is_staff = True
        outsider.save()
        outsider.user_permissions.set(Permission.objects.filter(codename__in=["run_job", "view_ticket"]))
        client = Client()
        client.force_login(outsider)
        html = post("quote", client).content.decode()
        assert "is for some groups only, and this user is in none of them" in html
        assert "What will happen" not in html
        assert not Job.objects.exists()
