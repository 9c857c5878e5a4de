"""One attempt, one hold: the same hold goes on only where the attempt before surely was not billed."""

import threading

import pytest
from django.db import connections

from aiops import OpenAIClientError
from aiops.calls.models import Call
from aiops.gateway.retry import RetryPolicy
from aiops.gateway.testing import Answer, CutBody, Disconnect, Html, Length, Refusal, Status
from aiops.ledger.errors import BudgetRefused
from aiops.ledger.models import Budget, BudgetPeriod, Hold
from tests.faults.conftest import closed_row

UNBILLED = {
    "a rate limit": Status(429, retry_after="0"),
    "a fault of its own": Status(500),
    "overload": Status(503),
}
PERHAPS = {
    "a connection that breaks": Disconnect(),
    "an answer of no bytes": CutBody(share=0.0),
    "a gateway that gave up": Html(status=502),
}


@pytest.fixture
def seen(provider):
    """The budget at each moment that a request arrives: what is held, what is settled, in holds of this call."""
    moments = []

    def read():
        try:
            period = BudgetPeriod.objects.get()
            moments.append((period.held, period.settled))
        finally:
            connections.close_all()

    def look(reply):
        def looked(_):
            # The provider's own thread runs an event loop, where no database may be asked.
            thread = threading.Thread(target=read)
            thread.start()
            thread.join()
            return reply

        return looked

    provider.look = look
    return moments


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", UNBILLED)
def test_an_attempt_that_cost_nothing_leaves_its_hold_to_the_next(ask, provider, seen, fault):
    provider.reply_with(*[provider.look(UNBILLED[fault])] * 2, provider.look("Lima."))
    assert ask() == "Lima."
    row = closed_row()
    hold = Hold.objects.get()
    assert seen == [(hold.amount, 0)] * 3
    assert (hold.settled, row.attempt_count) == (row.cost, 3)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", PERHAPS)
def test_an_attempt_that_may_have_cost_something_is_charged_before_the_next_is_held_for(ask, provider, seen, fault):
    provider.reply_with(*[provider.look(PERHAPS[fault])] * 2, provider.look("Lima."))
    assert ask() == "Lima."
    row = closed_row()
    first, second, third = Hold.objects.order_by("attempt")
    most = first.amount
    assert seen == [(most, 0), (most, most), (most, 2 * most)]
    assert (first.settled, second.settled) == (most, most)
    assert 0 < third.settled < most
    # What the first two cost, nobody knows.
    assert (row.cost, row.attempt_count) == (None, 3)


@pytest.fixture
def most(ask, provider):
    """Nano-dollars that are held for the question. Nothing that was done to learn it is left behind."""
    provider.reply_with("Lima.")
    ask()
    amount = Hold.objects.get().amount
    for model in (Hold, BudgetPeriod, Call):
        model.objects.all().delete()
    provider.reset()
    return amount


@pytest.mark.django_db(transaction=True)
def test_no_attempt_is_made_that_no_budget_has_room_for(most, ask, provider, seen):
    Budget.objects.update(cap=most * 3 // 2)
    provider.when(lambda _: True, provider.look(Disconnect()))
    with pytest.raises(OpenAIClientError):
        ask()
    row = closed_row()
    assert seen == [(most, 0)]
    assert (row.attempt_count, BudgetPeriod.objects.get().settled) == (1, most)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "usage", [None, {"prompt_tokens": -5, "completion_tokens": -1, "total_tokens": -6}, {"prompt_tokens": "many"}]
)
def test_an_answer_whose_usage_is_none_is_charged_at_its_hold(ask, provider, usage):
    provider.reply_with(Answer("Lima.", usage=usage))
    assert ask() == "Lima."
    row, hold = closed_row(), Hold.objects.get()
    assert (row.cost, row.tokens_in, row.tokens_out) == (None, None, None)
    assert hold.settled == hold.amount
    if usage:
        assert set(usage.values()) <= set(row.usage.values()), "it is kept as it was told"


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_cost_more_than_was_held_is_recorded_and_freezes_the_budget(ask, provider):
    told = {"prompt_tokens": 20, "completion_tokens": 1_000_000, "total_tokens": 1_000_020}
    provider.reply_with(Answer("Lima.", usage=told))
    assert ask() == "Lima."
    row = closed_row()
    hold, excess = Hold.objects.order_by("kind").reverse()
    assert row.tokens_out == 1_000_000
    assert row.cost == hold.settled + excess.settled == BudgetPeriod.objects.get().settled
    assert hold.settled == hold.amount
    with pytest.raises(BudgetRefused, match=f"frozen: Call {row.pk} cost"):
        ask()
    assert len(provider.requests) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("reply", [Refusal("No."), Length("Lim")])
def test_an_answer_that_may_not_be_passed_on_is_settled_at_what_it_cost(ask, provider, reply):
    provider.reply_with(reply)
    with pytest.raises(OpenAIClientError):
        ask()
    row, hold = closed_row(), Hold.objects.get()
    assert 0 < hold.settled == row.cost < hold.amount


def test_a_provider_that_is_not_there_costs_nothing(ask, provider):
    provider.stop()
    with pytest.raises(OpenAIClientError) as caught:
        ask(retry=RetryPolicy(attempts=2, first_wait=0.01))
    row, hold = closed_row(), Hold.objects.get()
    assert (caught.value.kind, caught.value.retryable) == ("unreachable", True)
    assert (hold.state, hold.settled, row.cost, row.attempt_count) == ("released", 0, 0, 2)
