"""The SDK's clients: one a process, event loop and connection, closed with the loop."""

import asyncio
import gc
import warnings

import openai
import pytest
from asgiref.sync import async_to_sync

import aiops
from aiops import close_client, get_async_openai_client, get_client, get_openai_client, get_structured_completion
from aiops.gateway.connections import UnknownConnection
from tests.client.test_structured import Page

pytestmark = pytest.mark.django_db(transaction=True)


def test_both_are_coroutines():
    assert asyncio.iscoroutinefunction(get_client)
    assert asyncio.iscoroutinefunction(close_client)
    assert {"get_client", "close_client", "get_structured_completion"} <= set(aiops.__all__)


def test_a_loop_has_one_client_for_each_connection(provider):
    async def both():
        first, again, other = await asyncio.gather(get_client(), get_client("default"), get_client("local"))
        assert isinstance(first, openai.AsyncOpenAI)
        assert first is again is get_async_openai_client().sdk
        assert first is not other
        return first, other

    first, _other = asyncio.run(both())
    second, _other = asyncio.run(both())
    assert first is not second


def test_after_closing_the_next_call_opens_anew(provider, budget):
    async def again():
        first = await get_client()
        await close_client()
        assert first.is_closed()
        await close_client()
        second = await get_client()
        assert second is not first
        assert not second.is_closed()
        await second.models.list()
        return second

    assert asyncio.run(again()).is_closed()


def test_nobody_closes_anything_and_nothing_is_left_open(provider, budget):
    provider.reply_with({"number": 1}, {"number": 2})

    async def asked():
        client = await get_client()
        pages = await asyncio.gather(*(get_structured_completion("…", "", Page) for _ in range(2)))
        await client.models.list()
        return client, pages

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client, pages = asyncio.run(asked())
        assert sorted(page.number for page in pages) == [1, 2]
        assert client.is_closed()
        del client
        gc.collect()


def test_closing_where_nothing_is_open_does_nothing():
    asyncio.run(close_client())


def test_the_blocking_client_is_one_for_the_process(provider):
    assert get_openai_client() is get_openai_client("default")
    assert get_openai_client().sdk is get_openai_client().sdk
    assert get_openai_client().sdk is not get_openai_client("local").sdk


def test_a_connection_that_is_not_there_is_told():
    with pytest.raises(UnknownConnection):
        async_to_sync(get_client)("lokal")
