"""The client as tests hold it: over either interface, blocking and awaited."""

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
