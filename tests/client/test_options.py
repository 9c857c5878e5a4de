"""How a call is made: what every method takes, and what none takes without a word."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils.functional import SimpleLazyObject

from aiops import Fallback, RetryPolicy
from aiops.calls.models import Call
from aiops.execution import cooldown
from aiops.gateway.connections import UnknownConnection
from aiops.gateway.testing import Answer, Status

METHODS = {
    "chat_completion": ("Hello.",),
    "chat_completion_json": ("Hello.",),
    "create_with_vision": ("Hello.", b"\x89PNG\r\n\x1a\n" + bytes(60)),
    "embed": ("Hello.",),
    "transcribe": (b"ID3" + bytes(500),),
    "speak": ("Hello.",),
    "moderate": ("Hello.",),
    "classify": ("Hello.", ["a", "b"]),
}


@pytest.fixture(params=METHODS)
def method(request):
    """Name and arguments of a method."""
    return request.param, *METHODS[request.param]


def answer(request):
    """One that every method can read."""
    return Answer(data={"choice": "A"}) if request.operation in ("chat", "responses") else Answer()


def test_every_method_says_who_asks_for_what_about_which_row(api, call, provider, method, tickets):
    ada = User.objects.create(username="ada")
    provider.when(lambda request: True, answer)
    call(*method, by=ada, row=tickets[0], purpose="a\0test " + "x" * 300, timeout=None)
    row = Call.objects.get()
    assert (row.status, row.user_id, row.row_key) == ("succeeded", ada.pk, str(tickets[0].pk))
    assert row.purpose == ("a\ufffdtest " + "x" * 300)[:200]


@pytest.mark.parametrize("lazy", [True, False])
def test_nobody_may_ask_as_well(call, provider, budget, lazy):
    call("embed", "Hello.", by=SimpleLazyObject(AnonymousUser) if lazy else None)
    assert Call.objects.get().user_id is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"timeout": 0}, "timeout is 0: give seconds above zero."),
        ({"timeout": -1}, "timeout is -1"),
        ({"timeout": True}, "timeout is True"),
        ({"timeout": float("nan")}, "timeout is nan"),
        ({"timeout": "9"}, "timeout is '9'"),
        ({"timeout": 9e9}, "longer than the connection “default” waits"),
        ({"model": 7}, "model is 7: give its name."),
        ({"model": "  "}, "model is '  ': give its name."),
        ({"by": 7}, "by is int: give a user of the site."),
        ({"row": object()}, "row is object: give a saved object of one of your models."),
        ({"row": User()}, "row is User: give a saved object"),
        ({"retry": 3}, "retry is 3: give a RetryPolicy."),
        ({"cache": -1}, "cache is -1"),
        ({"fallbacks": [7]}, "fallbacks are to be aliases of connections"),
        ({"fallbacks": {"local": 1}}, "fallbacks are to be aliases of connections"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_every_method(call, provider, budget, method, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(*method, **options)
    assert provider.requests == []
    assert not Call.objects.exists()


def test_a_connection_that_is_not_there_is_told_at_once(call, provider, budget, method):
    for options in ({"connection": "lokal"}, {"fallbacks": "lokal"}, {"fallbacks": [Fallback(connection="lokal")]}):
        with pytest.raises(UnknownConnection, match="There is no connection 'lokal'"):
            call(*method, **options)
    assert provider.requests == []


def test_one_fallback_needs_no_list(api, call, provider, settings):
    cooldown.forget()
    connections = settings.AIOPS["CONNECTIONS"]
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {**connections, "spare": connections["default"]}}
    for fallbacks in ("spare", Fallback(connection="spare", model="gpt-4o-mini"), ["spare"]):
        provider.reply_with(Status(500), "Hello.")
        call("chat_completion", "Hello.", fallbacks=fallbacks, retry=RetryPolicy(attempts=1))
        # Else the third would not be asked of the first at all.
        cooldown.forget()
    assert [row.connection_answered for row in Call.objects.all()] == ["spare"] * 3


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"temperature": -1}, "temperature is -1: give a number from 0 to 2."),
        ({"temperature": 2.5}, "temperature is 2.5"),
        ({"temperature": True}, "temperature is True"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"top_p": 1.5}, "top_p is 1.5: give a number from 0 to 1."),
        ({"n": 0}, "n is 0: give a number from 1 to 128."),
        ({"n": -3}, "n is -3"),
        ({"top_logprobs": 21}, "top_logprobs is 21"),
        ({"presence_penalty": "low"}, "presence_penalty is 'low': give a number from -2 to 2."),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"max_completion_tokens": True}, "max_completion_tokens is True"),
        ({"metadata": {"at": object()}}, "metadata cannot be said in JSON"),
        ({"seed": float("inf")}, "seed cannot be said in JSON"),
    ],
)
@pytest.mark.parametrize("name", ["chat_completion", "chat_completion_json", "create_with_vision"])
def test_parameters_that_make_no_sense_are_refused(call, provider, budget, name, parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(name, *METHODS[name], **parameters)
    assert provider.requests == []
