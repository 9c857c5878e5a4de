"""The SDK's own client as tests use it: blocking, or awaited."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections

from aiops import get_async_openai_client, get_openai_client


@pytest.fixture(params=["blocking", "awaited"])
def way(request):
    """Which of the two clients."""
    return request.param


@pytest.fixture
def use(way, budget, provider):
    """Calls a function with the SDK's client, and gives what it gives, awaited where it must be."""

    def blocking(do, **options):
        return do(get_openai_client(**options).sdk)

    def awaited(do, **options):
        async def run():
            given = do(get_async_openai_client(**options).sdk)
            return await given if inspect.isawaitable(given) else given

        return async_to_sync(run)()

    return blocking if way == "blocking" else awaited


@pytest.fixture
def run():
    """`asyncio.run`; the thread in which such loops ask the database is left without a connection."""
    yield asyncio.run

    async def close():
        await sync_to_async(connections.close_all)()

    asyncio.run(close())
