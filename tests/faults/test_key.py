"""The key goes to the provider and nowhere else, whatever goes wrong: not into a log, a row, an error or a pickle."""

import io
import json
import logging
import pickle
import traceback

import pytest
from django.apps import apps
from django.core import serializers

from aiops import get_async_openai_client, get_openai_client
from aiops.gateway.clients import close_sync_clients
from aiops.gateway.connections import get_connection
from aiops.gateway.testing import FAULTS, Hang, Raw, Status
from tests.faults.conftest import ASK, Way, connected

KEY = "sk-canary-" + "0123456789" * 4

ECHOED = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}.", "code": "invalid_api_key"}}).encode()
"""What providers really do, though with stars in it."""


@pytest.fixture
def everything_said():
    """All that is logged, by everybody, down to the last detail."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    names = ["", "openai", "httpx2", "httpcore2", "aiohttp", "aiops", "django", "django.request", "asyncio"]
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
    yield said
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
        logger.removeHandler(handler)


@pytest.fixture
def canary(api, settings):
    connected(settings, API_KEY=KEY)
    yield
    close_sync_clients()


def told(error):
    """All that an error says of itself, to a log, an error page and another process."""
    yield from traceback.TracebackException.from_exception(error, capture_locals=False).format()
    seen = error
    while seen is not None:
        yield repr(seen)
        yield repr(vars(seen))
        try:
            yield repr(pickle.dumps(seen))
        except Exception as fault:
            yield repr(fault)
        seen = seen.__cause__ or seen.__context__


def rows():
    """Every row of ours."""
    for label in ("aiops", "prompts"):
        for model in apps.get_app_config(label).get_models():
            yield serializers.serialize("json", model._default_manager.all())


@pytest.mark.parametrize("fault", [*FAULTS, Hang(seconds=60), Status(401), Status(403)], ids=repr)
@pytest.mark.parametrize("name", ["blocking", "awaited stream"])
def test_no_fault_brings_the_key_to_light(canary, provider, everything_said, name, fault):
    provider.when(lambda _: True, fault)
    error = None
    try:
        Way(name)(timeout=0.5)
    except Exception as caught:
        error = caught
    assert provider.requests[0].headers["authorization"] == f"Bearer {KEY}"
    places = {"the log": everything_said.getvalue(), "the rows": "".join(rows())}
    if error is not None:
        places["the error"] = "".join(told(error))
    assert [place for place, text in places.items() if KEY in text or KEY[12:] in text] == []


def test_a_provider_that_says_the_key_back_is_not_quoted(canary, provider, everything_said):
    for name in ("blocking", "awaited stream"):
        provider.reply_with(Raw(ECHOED, status=401))
        with pytest.raises(Exception, match="refuses the key") as caught:
            Way(name)()
        assert KEY not in "".join(told(caught.value))
    assert KEY not in everything_said.getvalue()
    assert KEY not in "".join(rows())


def test_nothing_that_holds_the_key_shows_it(canary):
    connection, client, awaited = get_connection(), get_openai_client(), get_async_openai_client()
    for one in (connection, client, awaited, client.sdk):
        assert KEY not in repr(one)
        assert KEY not in str(one)
    assert ASK
