"""Whoever asked goes away, at the worst of moments: the row and the money come to their end all the same."""

import asyncio

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from aiops import get_async_openai_client, track_costs
from aiops.calls.models import Call
from aiops.gateway.retry import RetryPolicy
from aiops.gateway.testing import Disconnect, Status
from aiops.ledger.models import BudgetPeriod, Hold
from tests.faults.conftest import ASK, closed_row

MOMENTS = {
    "its row is written": "INSERT INTO aiops_call ",
    "its end is written": "UPDATE aiops_call ",
    "its money is settled": "UPDATE aiops_budgetperiod SET held = (aiops_budgetperiod.held -",
}


@pytest.fixture(autouse=True)
def lima(provider):
    provider.when(lambda _: True, "Lima.")


def cancelled_when(moment, asking):
    """Cancel a task at the statement that this moment is; what was asked for has to run meanwhile."""
    moments, tasks = [], []

    async def asked():
        tasks.append(asyncio.create_task(asking()))
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]

    async def leave():
        tasks[0].cancel()
        # So that it is not a cancellation that is about to be, but one that the task has seen.
        for _ in range(5):
            await asyncio.sleep(0)

    def wrapper(execute, sql, params, many, context):
        if not moments and MOMENTS[moment] in sql.replace('"', ""):
            moments.append(sql)
            asyncio.run_coroutine_threadsafe(leave(), tasks[0].get_loop()).result()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        async_to_sync(asked)()
    assert moments, "the moment never came"


async def whole():
    await get_async_openai_client().chat_completion(ASK)


async def kept():
    await get_async_openai_client().chat_completion(ASK, cache=True)


async def streamed():
    async for _ in get_async_openai_client().stream(ASK):
        pass


every_way = pytest.mark.parametrize("asking", [whole, kept, streamed])


@every_way
def test_a_task_that_is_cancelled_before_its_question_left_leaves_nothing_behind(api, provider, asking):
    cancelled_when("its row is written", asking)
    assert provider.requests == []
    assert not Call.objects.exists()
    period = BudgetPeriod.objects.get()
    assert (period.held, period.settled) == (0, 0)
    assert not Hold.objects.filter(state=Hold.State.HELD).exists()


@every_way
@pytest.mark.parametrize("moment", ["its end is written", "its money is settled"])
def test_a_task_that_is_cancelled_when_its_answer_is_there_has_that_in_the_log(api, provider, moment, asking):
    with track_costs() as costs:
        cancelled_when(moment, asking)
    row = closed_row()
    assert (row.status, row.output) == ("succeeded", "Lima.")
    assert costs.calls == 1


@pytest.mark.parametrize("fault", [Status(429, retry_after="0"), Disconnect()])
def test_whoever_leaves_between_two_attempts_has_made_one(api, provider, fault):
    provider.reset()
    provider.reply_with(fault)
    patient = RetryPolicy(first_wait=20.0)

    async def left():
        pieces = get_async_openai_client().stream(ASK, retry=patient, timeout=60)
        task = asyncio.ensure_future(anext(pieces))
        while not provider.requests or provider.totals.in_flight:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_to_sync(left)()
    row = closed_row()
    assert (row.status, row.attempt_count, len(row.attempts), Hold.objects.count()) == ("failed", 1, 1, 1)
    assert row.cost == (0 if row.error_kind == "rate_limited" else None)
