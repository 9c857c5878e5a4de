"""What of all calls a budget counts: those of a connection, prompt, user, group or job, or of each for itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group, User

from aiops import Fallback, RetryPolicy, get_async_openai_client, get_openai_client
from aiops.calls.models import Call
from aiops.execution.answer import answer
from aiops.gateway.testing import Status
from aiops.jobs.sources import model_source
from aiops.jobs.start import start_job
from aiops.jobs.tasks import work
from aiops.ledger.errors import BudgetRefused, UnpricedModel
from aiops.ledger.models import Budget, BudgetPeriod, Hold
from aiops.ledger.periods import bounds, periods_of
from aiops.ledger.scopes import EVERYBODY, ChargedTo

DOLLAR = 1_000_000_000

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider")]


@pytest.fixture(autouse=True)
def nobodys(db):
    """No budget but those of the test."""
    Budget.objects.all().delete()


@pytest.fixture
def ada():
    return User.objects.create_user("ada")


def make(scope, subject="", cap=DOLLAR, **fields):
    return Budget.objects.create(name=f"{scope} {subject}", scope=scope, subject=str(subject), cap=cap, **fields)


def ask(**arguments):
    return get_openai_client().chat_completion("Hello.", max_tokens=20, **arguments)


def counted(budget):
    """Subject → nano-dollars settled; nothing is held any more."""
    periods = BudgetPeriod.objects.filter(budget=budget)
    assert {period.held for period in periods} <= {0}
    return {period.subject: period.settled for period in periods}


def test_a_call_counts_for_each_that_it_is_of_and_for_no_other(ada, triage):
    support = Group.objects.create(name="Support")
    ada.groups.add(support)
    mine = [
        make("everything"),
        make("connection", "default"),
        make("prompt", triage.prompt_id),
        make("user", ada.pk),
        make("group", support.pk),
    ]
    others = [
        make("connection", "elsewhere"),
        make("prompt", triage.prompt_id + 1),
        make("user", User.objects.create_user("bob").pk),
        make("group", Group.objects.create(name="Sales").pk),
        make("job", 1),
    ]
    outcome = answer(triage, {"text": "Where is my card?"}, user=ada)
    assert outcome.cost
    for budget in mine:
        assert counted(budget) == {budget.subject: outcome.cost}
    assert [counted(budget) for budget in others] == [{}] * 5


def test_each_may_have_a_budget_for_itself(ada):
    bob = User.objects.create_user("bob")
    budget = make("user")
    for person in (ada, bob, ada):
        ask(by=person)
    ask()
    costs = list(Call.objects.exclude(user=None).order_by("pk").values_list("cost", flat=True))
    assert counted(budget) == {str(ada.pk): costs[0] + costs[2], str(bob.pk): costs[1]}


def test_who_has_spent_all_of_it_stops_nobody_else(ada, provider):
    make("user", cap=DOLLAR)
    [period] = periods_of(ChargedTo(user_id=ada.pk), datetime.now(UTC))
    BudgetPeriod.objects.filter(pk=period.pk).update(settled=DOLLAR)
    with pytest.raises(BudgetRefused, match=r"^The budget “user  \(ada\)” has \$0\.00 left"):
        ask(by=ada)
    ask(by=User.objects.create_user("bob"))
    assert len(provider.requests) == 1


def test_calls_that_come_together_are_each_charged_to_their_own(ada):
    bob = User.objects.create_user("bob")
    budget, everything = make("user", cap=DOLLAR), make("everything")
    periods_of(ChargedTo(user_id=bob.pk), datetime.now(UTC))
    BudgetPeriod.objects.filter(subject=str(bob.pk)).update(settled=DOLLAR)
    client = get_async_openai_client()

    async def all_of_them():
        calls = [client.chat_completion("Hello.", max_tokens=20, by=person) for person in (ada, bob, ada, bob, None)]
        return await asyncio.gather(*calls, return_exceptions=True)

    came = async_to_sync(all_of_them)()
    assert [isinstance(one, BudgetRefused) for one in came] == [False, True, False, True, False]
    costs = {call.pk: call.cost for call in Call.objects.all()}
    assert counted(everything) == {"": sum(costs.values())}
    of_ada = sum(Call.objects.filter(user=ada).values_list("cost", flat=True))
    assert counted(budget) == {str(ada.pk): of_ada, str(bob.pk): DOLLAR}


def test_a_job_has_a_wall_of_its_own(ada, triage, tickets, settings, transactional_db):
    make("job", cap=2_000_000)
    job = start_job(triage, model_source("helpdesk.Ticket"), user=ada)
    other = start_job(triage, model_source("helpdesk.Ticket"), user=ada)
    BudgetPeriod.objects.filter(subject=str(other.pk)).delete()
    work(job.pk)
    job.refresh_from_db()
    periods = {period.subject: period for period in BudgetPeriod.objects.all()}
    assert set(periods) == {str(job.pk)}
    assert 0 < periods[str(job.pk)].settled == job.cost <= 2_000_000


def test_whoever_is_asked_instead_is_charged_for_it(provider, settings):
    default = settings.AIOPS["CONNECTIONS"]["default"]
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default, "spare": {**default, "MODEL": "gpt-6-sol"}}}
    budget = make("connection")
    provider.reply_with(Status(503))
    ask(retry=RetryPolicy(attempts=1), fallbacks=[Fallback(connection="spare")])
    call = Call.objects.get()
    assert call.connection_answered == "spare"
    assert counted(budget) == {"default": 0, "spare": call.cost}


def test_a_price_that_nobody_knows_stops_only_what_a_budget_counts(ada):
    make("user", ada.pk)
    with pytest.raises(UnpricedModel):
        ask(by=ada, model="nobodys")
    assert ask(model="nobodys")
    assert not Hold.objects.exists()


@pytest.mark.parametrize(
    ("zone", "starts"),
    [
        ("", datetime(2026, 11, 20, 0, tzinfo=UTC)),
        ("Asia/Tokyo", datetime(2026, 11, 19, 15, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 19, 5, tzinfo=UTC)),
    ],
)
def test_a_day_begins_where_the_budget_says(settings, zone, starts):
    settings.TIME_ZONE = "UTC"
    budget = make("everything", renewal="day", time_zone=zone)
    [period] = periods_of(EVERYBODY, datetime(2026, 11, 20, 3, tzinfo=UTC))
    assert period.starts_at == starts
    assert (period.starts_at, period.ends_at) == bounds("day", starts, budget.zone)
