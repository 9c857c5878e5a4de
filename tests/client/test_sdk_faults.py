"""What goes wrong under the SDK's own client: it says so as ever, and each sending is a closed call."""

import asyncio
import time

import openai
import pytest
from asgiref.sync import async_to_sync

from aiops import get_async_openai_client
from aiops.calls.models import Call
from aiops.gateway.testing import (
    Answer,
    CutBody,
    CutJson,
    Disconnect,
    EmptyChoices,
    Flood,
    Hang,
    Html,
    Length,
    Refusal,
    Status,
)
from aiops.ledger.models import BudgetPeriod, Hold
from tests.client.sdk import CHAT, charged_at_its_hold, closed


def create(sdk):
    return sdk.chat.completions.create(**CHAT)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, openai.BadRequestError, "bad_request"),
        (401, openai.AuthenticationError, "bad_key"),
        (403, openai.PermissionDeniedError, "bad_key"),
        (404, openai.NotFoundError, "bad_request"),
        (408, openai.APIStatusError, "server_fault"),
        (409, openai.ConflictError, "bad_request"),
        (422, openai.UnprocessableEntityError, "bad_request"),
        (429, openai.RateLimitError, "rate_limited"),
        (500, openai.InternalServerError, "server_fault"),
        (503, openai.InternalServerError, "server_fault"),
    ],
)
def test_an_error_is_the_sdks_and_its_hold_is_given_back(use, provider, status, error, kind):
    provider.reply_with(Status(status, message="No."))
    with pytest.raises(error, match="No"):
        use(create)
    row = closed(settled=0)
    assert (row.status, row.error_kind, row.cost) == ("failed", kind, 0)
    assert Hold.objects.get().state == "released"
    assert "No." in row.output


def test_an_account_without_credit_says_so(use, provider):
    provider.reply_with(Status(429, code="insufficient_quota"))
    with pytest.raises(openai.RateLimitError):
        use(create)
    assert closed(settled=0).error_kind == "quota_exhausted"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Length("A payment"), "cut_off"),
        (Refusal("No."), "refused"),
        (EmptyChoices(), "empty"),
    ],
)
def test_an_answer_that_is_not_whole_is_given_to_who_asked_and_a_failure_in_the_log(use, provider, reply, kind):
    provider.reply_with(reply)
    assert use(create).usage is not None
    row = closed()
    assert (row.status, row.error_kind) == ("failed", kind)
    assert row.cost > 0


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (CutBody(), "interrupted"),
        (Disconnect(), "interrupted"),
        (CutJson(), "malformed"),
        (Html(), "malformed"),
        (Html(status=502), "interrupted"),
        (Flood(17 << 20), "malformed"),
    ],
)
def test_what_may_have_been_billed_is_charged_at_its_hold(use, provider, reply, kind):
    provider.reply_with(reply)
    try:
        use(create)
    except Exception as error:
        assert isinstance(error, openai.OpenAIError | ValueError) or "larger than 16 MiB" in str(error)  # noqa: PT017
    row = charged_at_its_hold()
    assert (row.status, row.error_kind) == ("failed", kind)


def test_an_answer_in_time_is_waited_for_no_longer_than_was_said(use, provider):
    provider.reply_with(Hang())
    with pytest.raises(openai.APITimeoutError):
        use(lambda sdk: sdk.with_options(timeout=0.2).chat.completions.create(**CHAT))
    row = charged_at_its_hold()
    assert (row.error_kind, row.error_text) == ("interrupted", "The provider did not answer in time.")


def test_a_provider_that_is_not_there_costs_nothing(use, settings):
    default = {**settings.AIOPS["CONNECTIONS"]["default"], "BASE_URL": "http://127.0.0.1:9/v1"}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}
    with pytest.raises(openai.APIConnectionError):
        use(create)
    row = closed(settled=0)
    assert (row.error_kind, row.cost) == ("unreachable", 0)


def test_each_sending_of_the_sdks_own_retries_is_a_call_of_its_own(use, provider):
    provider.reply_with(Status(429, retry_after="0"), Status(500), "Fine.")
    made = use(lambda sdk: sdk.with_options(max_retries=2).chat.completions.create(**CHAT))
    assert made.choices[0].message.content == "Fine."
    rows = Call.objects.order_by("pk")
    assert [row.error_kind for row in rows] == ["rate_limited", "server_fault", ""]
    assert [row.attempt_count for row in rows] == [1, 1, 1]
    assert [hold.state for hold in Hold.objects.order_by("pk")] == ["released", "released", "settled"]
    assert BudgetPeriod.objects.get().settled == rows[2].cost


def test_a_redirect_is_no_answer_and_costs_nothing(use, provider):
    provider.reply_with(Status(307))
    with pytest.raises(openai.APIStatusError):
        use(lambda sdk: sdk.post("/chat/completions", body=CHAT, cast_to=object, options={"follow_redirects": False}))
    row = closed(settled=0)
    assert (row.error_kind, row.cost) == ("bad_request", 0)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_task_that_is_cancelled_leaves_a_closed_call(budget, provider, streamed):
    provider.reply_with(Answer(text="word " * 200, seconds_per_chunk=0.05) if streamed else Hang())
    begun = asyncio.Event()

    async def ask():
        sdk = get_async_openai_client().sdk
        if not streamed:
            await create(sdk)
        async for _chunk in await sdk.chat.completions.create(**CHAT, stream=True):
            begun.set()

    async def cancelled():
        task = asyncio.create_task(ask())
        if streamed:
            await begun.wait()
        while not provider.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_to_sync(cancelled)()
    row = charged_at_its_hold()
    assert (row.status, row.error_kind) == ("failed", "abandoned")


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize("door", ["sdk", "client"])
@pytest.mark.django_db(transaction=True)
def test_whenever_a_task_is_cancelled_no_call_stays_open(budget, provider, door, turns, run):
    provider.reply_with(Answer(text="Late.", delay=0.05))

    async def cancelled():
        client = get_async_openai_client()
        asking = create(client.sdk) if door == "sdk" else client.chat_completion(CHAT["messages"])
        task = asyncio.create_task(asking)
        for _turn in range(turns):
            await asyncio.sleep(0)
            # Time for the thread that asks the database, in which the loop stands still.
            time.sleep(0.002)
        task.cancel()
        await asyncio.wait([task])

    run(cancelled())
    assert not Call.objects.filter(status="sending").exists()
    assert not Hold.objects.filter(state="held").exists()
    assert all(period.held == 0 for period in BudgetPeriod.objects.all())
