"""`reprice_calls`, to the letter."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from aiops import get_openai_client
from aiops.calls.models import Call
from aiops.gateway.testing import Answer, Raw, Status
from aiops.ledger.models import BudgetPeriod
from aiops.ledger.own_prices import OwnPrice


def own(model, dollars, **fields):
    rates = {"input_tokens": Decimal(dollars), "output_tokens": Decimal(dollars)}
    return OwnPrice.objects.create(model=model, starts_at=timezone.now() - timedelta(days=9), **rates, **fields)


@pytest.fixture
def calls(provider, budget):
    """Two of 1,000 tokens in and 100 out, and one that was sent twice."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    provider.reply_with(Answer(usage=usage), Answer(usage=usage), Status(500), Answer(usage=usage))
    for _ in range(3):
        get_openai_client().chat_completion("Hello. " * 200, max_tokens=200)
    assert set(Call.objects.values_list("cost", flat=True)) == {150_000}


def test_nothing_has_another_cost_while_no_price_has_changed(run, calls):
    said = "0 of 3 calls have another cost. 1 was left alone: sent several times, or over a connection that is gone.\n"
    assert run("reprice_calls", "--since", "1d").stdout == said
    assert run("reprice_calls", "--since", "1d", "--until", "1h").stdout == "0 of 0 calls have another cost.\n"


def test_a_dry_run_says_what_would_change(run, calls):
    own("gpt-6-luna", 2)
    lines = (
        "gpt-6-luna over default: 2 calls, $0.00030 → $0.0044, +$0.0041\n"
        "2 of 3 calls have another cost. 1 was left alone: sent several times, or over a connection that is gone.\n"
    )
    assert run("reprice_calls", "--since", "1d", "--dry-run").stdout == f"{lines}Nothing was changed (dry run).\n"
    assert set(Call.objects.values_list("cost", flat=True)) == {150_000}
    spent = BudgetPeriod.objects.get().settled
    assert run("reprice_calls", "--since", "1d").stdout == lines
    assert sorted(Call.objects.values_list("cost", flat=True)) == [150_000, 2_200_000, 2_200_000]
    assert {call.price["source"].split()[0] for call in Call.objects.exclude(cost=150_000)} == {"own"}
    assert BudgetPeriod.objects.get().settled == spent
    assert run("reprice_calls", "--since", "1d").stdout.startswith("0 of 3 calls")


def test_a_cost_that_nobody_knew_becomes_known(run, provider, budget):
    budget.active = False
    budget.save()
    get_openai_client().chat_completion("Hello.", model="house-model")
    assert Call.objects.get().cost is None
    own("house-model", 1)
    [told] = json.loads(run("reprice_calls", "--since", "1d", "--json").stdout)["models"]
    call = Call.objects.get()
    assert call.cost == (call.tokens_in + call.tokens_out) * 1000
    assert told == {
        "connection": "default",
        "model": "house-model",
        "calls": 1,
        "before": 0,
        "after": call.cost,
        "were_unknown": 1,
    }


def test_what_was_given_again_stays_free(run, provider, budget):
    for _ in range(2):
        get_openai_client().chat_completion("Hello.", cache=60)
    own("gpt-6-luna", 2)
    assert run("reprice_calls", "--since", "1d").stdout.endswith("1 of 1 call has another cost.\n")
    assert Call.objects.exclude(reused_from=None).get().cost == 0


@pytest.mark.parametrize(("tier", "cost"), [("priority", 6_000), ("scale", None)])
def test_an_answer_in_another_tier_keeps_what_it_cost(run, provider, budget, tier, cost):
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
    body = {"model": "gpt-6-luna", "choices": [choice], "usage": usage, "service_tier": tier}
    provider.reply_with(Raw(json.dumps(body).encode()))
    get_openai_client().chat_completion("Hello.", max_tokens=200)
    assert Call.objects.get().cost == cost
    own("gpt-6-luna", 9)
    assert run("reprice_calls", "--since", "1d").stdout.startswith("0 of 1 call")
    assert Call.objects.get().cost == cost
