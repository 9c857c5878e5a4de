"""Who may use a model, and what becomes of the calls of those who may not."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.utils import timezone

from aiops import get_async_openai_client, get_openai_client
from aiops.cache.models import CachedAnswer
from aiops.calls.models import Call
from aiops.catalogue.access import is_usable
from aiops.catalogue.errors import ModelRestricted
from aiops.catalogue.models import ModelCard
from aiops.durable import durable
from aiops.execution.answer import answer
from aiops.execution.errors import REFUSALS
from aiops.execution.fallbacks import Fallback
from aiops.execution.prepare import About, make_plan, prepare
from aiops.execution.window import open_window
from aiops.gateway.testing import Answer, Status
from aiops.jobs.errors import JobRefused
from aiops.jobs.models import Job
from aiops.jobs.quote import quote
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.ledger.models import Hold

pytestmark = pytest.mark.usefixtures("budget")
ASK = [{"role": "user", "content": "What is a chargeback?"}]
SORTED = Answer(data={"category": "card", "priority": "low"})
SENTENCE = (
    "The model “gpt-6-luna” over the connection “default” is for some groups only, and this user is in none of them: "
    "choose another model, or ask somebody who may change the catalogue of models."
)


@pytest.fixture
def card(group):
    """The model that is asked everywhere, for a group only."""
    card = ModelCard.objects.create(connection="default", model="gpt-6-luna")
    card.allow([group])
    return card


@pytest.fixture(params=["chat_completion", "achat_completion", "embed", "stream", "cached", "acached", "a version"])
def ask(request, provider, triage):
    """Asks through one of the doors."""
    client, twin = get_openai_client(), get_async_openai_client()

    async def atwin(by, **how):
        await twin.chat_completion(ASK, by=by, **how)

    return {
        "chat_completion": lambda by: client.chat_completion(ASK, by=by),
        "achat_completion": lambda by: async_to_sync(atwin)(by),
        "embed": lambda by: client.embed("a text", model="gpt-6-luna", by=by),
        "stream": lambda by: list(client.stream(ASK, by=by)),
        "cached": lambda by: client.chat_completion(ASK, by=by, cache=True),
        "acached": lambda by: async_to_sync(atwin)(by, cache=True),
        "a version": lambda by: answer(triage, {"text": "x"}, user=by),
    }[request.param]


def test_whoever_is_in_no_group_of_the_model_is_refused_before_anything_is_sent(ask, card, outsider, provider):
    with pytest.raises(REFUSALS) as refused:
        ask(outsider)
    assert str(refused.value) == SENTENCE
    assert provider.requests == []
    assert not Call.objects.exists() and not Hold.objects.exists()


def test_members_superusers_and_the_shops_own_code_are_let_through(ask, card, member, provider):
    for by in (member, User.objects.create_superuser("boss"), None):
        ask(by)
    assert len({call.user_id for call in Call.objects.all()}) == 3


def test_a_model_that_everybody_may_use_costs_no_query_to_see(card, outsider, django_assert_num_queries):
    assert is_usable("gpt-6.1-sol", "default", outsider.pk)
    with django_assert_num_queries(0):
        for _ in range(10):
            assert is_usable("gpt-6.1-sol", "default", outsider.pk)
            assert is_usable("gpt-6-luna", "other", outsider.pk)


def test_what_is_changed_holds_for_the_next_call(card, group, outsider):
    assert not is_usable("gpt-6-luna", "default", outsider.pk)
    outsider.groups.add(group)
    assert is_usable("gpt-6-luna", "default", outsider.pk)
    outsider.groups.clear()
    assert not is_usable("gpt-6-luna", "default", outsider.pk)
    card.allow([])
    assert is_usable("gpt-6-luna", "default", outsider.pk)
    card.groups.add(group)
    assert not is_usable("gpt-6-luna", "default", outsider.pk)


def test_a_group_that_is_deleted_opens_nothing(card, group, member):
    group.delete()
    card.refresh_from_db()
    assert (card.restricted, card.groups.count()) == (True, 0)
    assert not is_usable("gpt-6-luna", "default", member.pk)
    card.allow([])
    assert is_usable("gpt-6-luna", "default", member.pk)


def test_a_user_that_is_gone_may_nothing_that_is_not_for_everybody(card):
    assert not is_usable("gpt-6-luna", "default", 999_999_999)


def test_a_kept_answer_is_not_given_to_whoever_may_not_ask(card, member, outsider, provider):
    provider.reply_with("One.")
    get_openai_client().chat_completion(ASK, by=member, cache=True)
    assert CachedAnswer.objects.exists()
    with pytest.raises(ModelRestricted):
        get_openai_client().chat_completion(ASK, by=outsider, cache=True)
    assert Call.objects.count() == 1


def test_a_fallback_that_one_may_not_use_is_passed_over(group, outsider, provider):
    ModelCard.objects.create(connection="default", model="gpt-6-astra").allow([group])
    provider.when(lambda received: received.model == "gpt-6-luna", Status(401))
    fallbacks = [Fallback(model="gpt-6-astra"), Fallback(model="gpt-6.1-sol")]
    get_openai_client().chat_completion(ASK, by=outsider, fallbacks=fallbacks)
    assert [one.model for one in provider.requests] == ["gpt-6-luna", "gpt-6.1-sol"]


class TestJobs:
    @pytest.fixture
    def source(self, tickets):
        return model_source("helpdesk.Ticket")

    @pytest.mark.parametrize("begin", [quote, start_job])
    def test_none_is_quoted_or_started(self, begin, triage, source, card, outsider, provider):
        with pytest.raises(JobRefused) as refused:
            begin(triage, source, user=outsider)
        assert str(refused.value) == SENTENCE
        assert not Job.objects.exists()

    def test_those_who_may_can(self, triage, source, card, member, provider):
        provider.reply_with(*[SORTED] * 20)
        job = start_job(triage, source, user=member)
        assert work(job.pk) == 20

    def test_one_whose_user_has_left_the_group_pauses_and_says_why(self, triage, source, card, member, provider):
        job = start_job(triage, source, user=member)
        member.groups.clear()
        assert work(job.pk) == 0
        job.refresh_from_db()
        assert (job.status, job.paused_because) == (Job.Status.PAUSED, SENTENCE)
        assert provider.requests == [] and not Call.objects.exists()

    def test_a_window_ends_where_somebody_may_not(self, triage, card, member, outsider):
        plan = make_plan(triage, now=timezone.now())
        users = (member, member, outsider, member)
        window = [prepare(plan, {"text": "x"}, About(user_id=user.pk)) for user in users]
        with durable():
            opened = open_window(window, now=timezone.now())
        assert (opened.count, str(opened.refusal)) == (2, SENTENCE)
        assert set(Call.objects.values_list("pk", flat=True)) == {one.call_id for one in window[:2]}
        assert Hold.objects.count() == 2
