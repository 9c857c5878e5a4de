"""What the SDK's own client is refused, and what is held for it: nothing is sent that no budget has room for."""

import openai
import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction

from aiops import get_openai_client
from aiops.calls.models import Call
from aiops.execution.errors import InTransaction, UnpricedParameter
from aiops.gateway.connections import MissingKey
from aiops.gateway.testing import Raw
from aiops.ledger.errors import BudgetRefused, UnpricedModel
from aiops.ledger.models import Budget, Hold
from tests.client.sdk import ASK, CHAT, charged_at_its_hold, closed

WEB = [{"type": "web_search"}]
RESPONSE = {"model": "gpt-6-luna", "input": "What is a chargeback?"}


def create(sdk):
    return sdk.chat.completions.create(**CHAT)


@pytest.fixture
def nothing_left(provider):
    yield
    assert provider.requests == []
    assert not Call.objects.exists()
    assert not Hold.objects.exists()


@pytest.mark.parametrize("retries", [0, 2])
def test_without_money_nothing_is_sent(use, budget, nothing_left, retries):
    Budget.objects.update(cap=1)
    with pytest.raises(BudgetRefused, match=r"has .* left"):
        use(lambda sdk: create(sdk.with_options(max_retries=retries)))


def test_a_model_without_a_price_is_refused(use, nothing_left):
    with pytest.raises(UnpricedModel, match="my-own-model"):
        use(lambda sdk: sdk.chat.completions.create(**{**CHAT, "model": "my-own-model"}))


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (lambda sdk: sdk.chat.completions.create(**CHAT, service_tier="priority"), "service_tier"),
        (lambda sdk: sdk.chat.completions.create(**CHAT, web_search_options={}), "web_search_options"),
        (lambda sdk: sdk.chat.completions.create(**CHAT, n=0), "n"),
        (lambda sdk: sdk.responses.create(**RESPONSE, tools=WEB), "tools: web_search"),
        (lambda sdk: sdk.responses.create(prompt={"id": "pmpt_1"}), "prompt"),
        (lambda sdk: sdk.responses.create(**RESPONSE, max_output_tokens=-1), "max_output_tokens"),
    ],
)
def test_what_no_hold_foresees_is_refused_by_its_name(use, nothing_left, ask, name):
    with pytest.raises(UnpricedParameter, match=f"“{name}”"):
        use(ask)


@pytest.mark.parametrize(
    "ask",
    [
        lambda sdk: sdk.images.generate(model="gpt-image-2", prompt="A bank."),
        lambda sdk: sdk.batches.create(input_file_id="f", endpoint="/v1/responses", completion_window="24h"),
        lambda sdk: sdk.responses.compact(model="gpt-6-luna", input="x"),
        lambda sdk: sdk.completions.create(model="gpt-6-luna", prompt="x"),
    ],
)
def test_what_nobody_here_can_read_is_refused_under_a_budget(use, nothing_left, ask):
    with pytest.raises(UnpricedModel):
        use(ask)


def test_without_a_budget_it_is_sent_and_logged(use, provider):
    Budget.objects.all().delete()
    with pytest.raises(openai.NotFoundError):
        use(lambda sdk: sdk.images.generate(model="gpt-image-2", prompt="A bank."))
    use(lambda sdk: sdk.chat.completions.create(**CHAT, service_tier="priority"))
    image, chat = Call.objects.order_by("pk")
    assert (image.operation, image.model_asked, image.error_kind) == ("other", "gpt-image-2", "bad_request")
    assert image.messages == [{"role": "input", "content": "/images/generations"}]
    assert image.parameters == {"prompt": "A bank."}
    assert (chat.status, chat.cost, chat.price) == ("succeeded", None, None)
    assert chat.tokens_in > 0


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_nothing_is_sent(use, nothing_left):
    with transaction.atomic(), pytest.raises(InTransaction):
        use(create)


def test_without_a_key_there_is_no_client(use, settings, nothing_left):
    default = {"BASE_URL": "https://example.com/v1", "MODEL": "m", "API_KEY": ""}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}
    with pytest.raises(MissingKey):
        use(create)


def test_the_blocking_client_on_an_event_loop_says_what_is_wrong(budget, provider, nothing_left):
    async def blocks():
        create(get_openai_client().sdk)

    with pytest.raises(SynchronousOnlyOperation):
        async_to_sync(blocks)()


@pytest.mark.parametrize(
    ("ask", "limits"),
    [
        (lambda sdk: sdk.chat.completions.create(model="gpt-6-luna", messages=ASK), {"max_completion_tokens": 8192}),
        (lambda sdk: create(sdk), {"max_completion_tokens": 50}),
        (lambda sdk: sdk.chat.completions.create(model="gpt-6-luna", messages=ASK, max_tokens=7), {"max_tokens": 7}),
        (lambda sdk: sdk.responses.create(**RESPONSE), {"max_output_tokens": 8192}),
        (lambda sdk: sdk.responses.create(**RESPONSE, max_output_tokens=70), {"max_output_tokens": 70}),
    ],
)
def test_an_output_limit_is_added_only_where_there_is_none(use, provider, ask, limits):
    use(ask)
    body = provider.requests[0].body
    assert {name: value for name, value in body.items() if name.startswith("max_")} == limits
    closed()


def held_for(use, ask):
    """Nano-dollars that were held for a call."""
    Hold.objects.all().delete()
    use(ask)
    return Hold.objects.get().amount


@pytest.mark.parametrize(
    "more",
    [
        {"n": 3},
        {"max_completion_tokens": 200},
        {"tools": [{"type": "function", "function": {"name": "f", "description": "word " * 100}}]},
        {"messages": [*ASK, {"role": "user", "content": "word " * 100}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,x"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]},
    ],
)
def test_more_is_held_for_what_can_cost_more(use, more):
    assert held_for(use, lambda sdk: sdk.chat.completions.create(**{**CHAT, **more})) > held_for(use, create)


def test_what_the_provider_has_kept_is_held_for_at_its_most(use):
    kept = held_for(use, lambda sdk: sdk.responses.create(**RESPONSE, previous_response_id="resp_1"))
    # At the input price of the model, a context full of it.
    assert kept > 50 * held_for(use, lambda sdk: sdk.responses.create(**RESPONSE))


def test_what_is_answered_later_is_charged_at_its_hold(use, provider):
    provider.reply_with(Raw(b'{"id": "resp_1", "object": "response", "status": "queued", "output": []}'))
    made = use(lambda sdk: sdk.responses.create(**RESPONSE, background=True))
    assert made.status == "queued"
    charged_at_its_hold()
