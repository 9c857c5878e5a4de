"""`AIOPS["HOLD"] = "p95"`: as much is held as the version's own past answers need, and what that trades."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

from aiops import get_openai_client
from aiops.calls.identity import new_call_id
from aiops.calls.models import Call
from aiops.checks.options import check_options
from aiops.execution import past_outputs
from aiops.execution.answer import answer
from aiops.execution.errors import REFUSALS
from aiops.execution.past_outputs import usual_most
from aiops.execution.prepare import About, make_plan, prepare
from aiops.execution.window import open_window
from aiops.gateway.testing import Answer
from aiops.ledger.errors import BudgetRefused
from aiops.ledger.holds import Ending, close
from aiops.ledger.models import Budget, BudgetPeriod, Hold
from aiops.ledger.own_prices import OwnPrice

pytestmark = pytest.mark.django_db

MODEL = "gpt-6-luna"


@pytest.fixture
def less(settings):
    settings.AIOPS = settings.AIOPS | {"HOLD": "p95"}


@pytest.fixture
def dear(budget):
    """A price by which only output costs: a token a micro-dollar."""
    return OwnPrice.objects.create(
        model="*",
        input_tokens=Decimal(0),
        output_tokens=Decimal(1),
        starts_at=timezone.now() - timedelta(days=1),
    )


def past(version, *sizes, **fields):
    """Calls of the version, each of so many tokens of output; None where nobody counted."""
    for size in sizes:
        Call.objects.create(
            **{
                "id": new_call_id(),
                "status": Call.Status.SUCCEEDED,
                "prompt_version": version,
                "connection": "default",
                "model_asked": MODEL,
                "output_tokens": size,
                "started_at": timezone.now(),
                **fields,
            }
        )


def held_for(version, **how):
    """Tokens of output, at the price of the fixture."""
    plan = make_plan(version, now=timezone.now(), **how)
    return prepare(plan, {"text": "Where is my card?"}, About()).ceiling / 1000


def test_by_default_the_whole_limit_is_held(triage, dear, provider):
    past(triage, *[10] * 100)
    assert held_for(triage) == triage.output_limit == 100


def test_as_much_is_held_as_95_of_100_answers_needed(less, triage, dear, provider):
    past(triage, *range(1, 41))
    assert held_for(triage) == 38


def test_never_more_than_the_limit(less, triage, dear, provider):
    past(triage, *[500] * 40)
    assert held_for(triage) == 100


def test_fewer_than_twenty_answers_say_nothing(less, triage, dear, provider):
    past(triage, *[10] * 19)
    assert held_for(triage) == 100
    past_outputs.forget()
    past(triage, 11)
    assert held_for(triage) == 10


@pytest.mark.parametrize(
    ("size", "fields"),
    [(10, {"model_asked": "gpt-6-astra"}), (10, {"reused_from": uuid4()}), (10, {"prompt_version": None}), (None, {})],
    ids=["another model", "out of the cache", "no version", "nobody counted"],
)
def test_what_does_not_count(less, triage, dear, provider, size, fields):
    past(triage, *[size] * 40, **fields)
    assert held_for(triage) == 100


def test_reasoning_and_answers_that_were_no_good_count(less, triage, dear, provider):
    past(triage, *[10] * 20, reasoning_tokens=30, status=Call.Status.FAILED)
    assert held_for(triage) == 40


def test_the_look_up_is_bounded_and_kept(less, triage, dear, provider, django_assert_num_queries):
    past(triage, *[10] * 20)
    with django_assert_num_queries(1) as queries:
        assert [usual_most(triage.pk, MODEL) for _ in range(50)] == [10] * 50
    assert f"LIMIT {past_outputs.LATEST}" in queries[0]["sql"]
    assert "messages" not in queries[0]["sql"]


def test_more_calls_fit_under_a_tight_budget(settings, triage, dear, provider):
    past(triage, *[10] * 40)
    Budget.objects.update(cap=250_000)

    def opened():
        plan = make_plan(triage, now=timezone.now())
        window = [prepare(plan, {"text": f"Card {number}?"}, About()) for number in range(50)]
        return open_window(window, now=timezone.now())

    assert opened().count == 2
    Hold.objects.all().delete()
    BudgetPeriod.objects.update(held=0)
    settings.AIOPS = settings.AIOPS | {"HOLD": "p95"}
    full = opened()
    assert full.count == 25
    assert isinstance(full.refusal, BudgetRefused)
    assert BudgetPeriod.objects.get().held == 250_000


def test_a_longer_answer_is_recorded_and_freezes_the_budget(less, triage, dear, provider):
    past(triage, *[10] * 40)
    data = {"category": "card", "priority": "low"}
    provider.reply_with(Answer(data=data, usage={"prompt_tokens": 50, "completion_tokens": 90, "total_tokens": 140}))
    outcome = answer(triage, {"text": "Where is my card?"})
    assert (outcome.succeeded, outcome.cost) == (True, 90_000)
    period = BudgetPeriod.objects.get()
    assert (period.held, period.settled, period.frozen) == (0, 90_000, True)
    assert sorted(Hold.objects.values_list("kind", "settled")) == [("excess", 80_000), ("hold", 10_000)]
    with pytest.raises(REFUSALS):
        answer(triage, {"text": "And now?"})


def test_a_budget_is_overrun_by_no_more_than_the_calls_under_way_can_cost_beyond_their_holds(
    less, triage, dear, provider
):
    past(triage, *[10] * 40)
    Budget.objects.update(cap=100_000)
    plan = make_plan(triage, now=timezone.now())
    window = [prepare(plan, {"text": f"Card {number}?"}, About()) for number in range(50)]
    count = open_window(window, now=timezone.now()).count
    close([Ending(call_id=one.call_id, attempt=1, cost=100_000) for one in window[:count]], now=timezone.now())
    period = BudgetPeriod.objects.get()
    assert (count, period.settled - period.cap) == (10, 10 * (100_000 - 10_000))
    assert open_window(window[count:], now=timezone.now()).count == 0


def test_somebody_else_who_is_asked_instead_is_held_for_in_full(less, triage, dear, provider):
    past(triage, *[10] * 40)
    version = triage.prompt.add_version(
        messages=triage.messages,
        output_limit=100,
        schema=triage.schema,
        fallbacks=[{"connection": "", "model": "gpt-6-astra", "on": ["schema"]}],
    )
    past(version, *[10] * 40)
    provider.when(lambda request: request.model == MODEL, Answer("Card."))
    assert answer(version, {"text": "Where is my card?"}).succeeded
    assert list(Hold.objects.order_by("attempt").values_list("amount", flat=True)) == [10_000, 100_000]


def test_code_that_asks_in_its_own_words_is_held_for_in_full(less, dear, provider):
    get_openai_client().chat_completion("Hello.", max_tokens=77)
    assert Hold.objects.get().amount == 77_000


def test_a_dry_run_says_the_most_all_the_same(less, triage, dear, provider, capsys):
    past(triage, *[10] * 40)
    call_command("run_prompt", "triage", "--var", "text=Hello", "--dry-run")
    assert "at most $0.00010 an attempt" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["p99", "P95", 95, None, ["p95"]])
def test_another_word_is_a_numbered_error(settings, value):
    settings.AIOPS = settings.AIOPS | {"HOLD": value}
    [error] = check_options()
    assert (error.id, error.msg) == ("aiops.E001", f"AIOPS['HOLD'] is {value!r}: it must be worst or p95.")


def test_a_plan_says_what_it_holds_for(less, triage, dear, provider):
    past(triage, *[10] * 40)
    plan = make_plan(triage, now=timezone.now())
    assert plan.usual_output == 10
    assert prepare(replace(plan, usual_output=None), {"text": "x"}, About()).ceiling == 100_000
