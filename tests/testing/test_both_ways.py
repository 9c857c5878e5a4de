"""A fault is the same whether the provider stands behind HTTP or within the test's own process."""

from __future__ import annotations

import pytest

from aiops import OpenAIIncompleteError, OpenAITransportError, RetryPolicy, get_openai_client
from aiops.gateway.clients import close_sync_clients
from aiops.gateway.testing import FAULTS, Deep, Failed, StandIn
from aiops.testing import stand_in

ASK = [{"role": "user", "content": "What is a chargeback?"}]
ONCE = RetryPolicy(attempts=1)
# One so long that it costs more than was held for it would freeze the budget before the second question.
ALL = [*(fault for fault in FAULTS if fault != Deep()), Deep(1000), Failed(text="Half")]


@pytest.fixture(params=["chat", "responses"])
def over_http(request, settings):
    with StandIn() as provider:
        default = {"MODEL": "gpt-6-luna", "API": request.param, "BASE_URL": provider.base_url, "API_KEY": "stand-in"}
        settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}
        yield provider
        close_sync_clients()


def end_of(name):
    """What becomes of one question."""
    try:
        made = getattr(get_openai_client(), name)(ASK, retry=ONCE)
        if name == "stream":
            list(made)
    except (OpenAITransportError, OpenAIIncompleteError) as error:
        return type(error), error.kind, getattr(error, "status_code", None)
    return "answered"


@pytest.mark.parametrize("name", ["chat_completion", "stream"])
@pytest.mark.parametrize("fault", ALL, ids=repr)
def test_a_fault_ends_the_same_both_ways(fault, name, over_http, db):
    over_http.reply_with(fault)
    with stand_in() as provider:
        provider.reply_with(fault)
        within = end_of(name)
    assert within == end_of(name)
    assert over_http.totals.requests == provider.totals.requests == 1
