"""The client, and the SDK's own, as tests hold them: over either interface, blocking and awaited."""

from __future__ import annotations

import inspect

import pytest
from asgiref.sync import async_to_sync

from aiops import get_async_openai_client, get_openai_client


@pytest.fixture
def connect(provider, settings):
    """Gives the connection `default` more options."""

    def more(**options):
        aiops = settings.AIOPS
        default = {**aiops["CONNECTIONS"]["default"], **options}
        settings.AIOPS = {**aiops, "CONNECTIONS": {**aiops["CONNECTIONS"], "default": default}}

    return more


@pytest.fixture(params=["chat", "responses"])
def api(request, connect, budget):
    """The interface that the connection speaks."""
    connect(API=request.param)
    return request.param


@pytest.fixture(params=["blocking", "awaited"])
def call(request):
    """Calls a method of the client, the blocking one or its twin."""

    def blocking(name, *args, **kwargs):
        return getattr(get_openai_client(), name)(*args, **kwargs)

    def awaited(name, *args, **kwargs):
        return async_to_sync(getattr(get_async_openai_client(), name))(*args, **kwargs)

    return blocking if request.param == "blocking" else awaited


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
