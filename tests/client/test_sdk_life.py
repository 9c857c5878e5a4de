"""The life of the SDK's instrumented clients: one a process, event loop and connection, threads and forks or not."""

import asyncio
import gc
import os
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections
from django.http import JsonResponse
from django.test import AsyncClient
from django.urls import path

from aiops import close_client, get_async_openai_client, get_client, get_openai_client
from aiops.calls.models import Call
from aiops.gateway.testing import Answer
from aiops.ledger.models import BudgetPeriod
from tests.client.sdk import CHAT


async def awaited_view(request):
    made = await get_async_openai_client().sdk.chat.completions.create(**CHAT)
    return JsonResponse({"said": made.choices[0].message.content})


def blocking_view(request):
    made = get_openai_client().sdk.chat.completions.create(**CHAT)
    return JsonResponse({"said": made.choices[0].message.content})


def bridging_view(request):
    made = async_to_sync(ask_and_ask_again)()
    return JsonResponse({"said": made.choices[0].message.content})


async def ask_and_ask_again():
    await sync_to_async(blocking_view)(None)
    return await get_async_openai_client().sdk.chat.completions.create(**CHAT)


urlpatterns = [
    path("awaited/", awaited_view),
    path("blocking/", blocking_view),
    path("bridging/", bridging_view),
]


def test_there_is_one_client_a_process_and_connection(provider, settings):
    aiops = settings.AIOPS
    other = {"other": {**aiops["CONNECTIONS"]["default"], "NAME": "other"}}
    settings.AIOPS = {**aiops, "CONNECTIONS": {**aiops["CONNECTIONS"], **other}}
    one = get_openai_client().sdk
    assert one is get_openai_client().sdk
    assert one is not get_openai_client("other").sdk
    with ThreadPoolExecutor(8) as pool:
        assert {id(sdk) for sdk in pool.map(lambda _: get_openai_client().sdk, range(50))} == {id(one)}


def test_there_is_one_client_an_event_loop(provider, run):
    async def twice():
        one, two = await get_client(), get_async_openai_client().sdk
        assert one is two
        await close_client()
        assert one.is_closed()
        three = await get_client()
        assert three is not one
        return three

    first, second = run(twice()), run(twice())
    assert first is not second
    assert first.is_closed()


def test_a_client_that_is_held_goes_on_over_its_own_connection(provider, budget, settings):
    held = get_openai_client().sdk
    changed = {**settings.AIOPS["CONNECTIONS"]["default"], "MODEL": "gpt-4o-mini", "OUTPUT_LIMIT": 77}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": changed}}
    assert get_openai_client().sdk is not held
    for sdk in (held, get_openai_client().sdk):
        sdk.chat.completions.create(model="gpt-6-luna", messages=CHAT["messages"])
    assert [request.body["max_completion_tokens"] for request in provider.requests] == [8192, 77]
    assert Call.objects.filter(status="succeeded").count() == 2


@pytest.mark.django_db(transaction=True)
def test_threads_share_it(provider, budget):
    def ask(number):
        try:
            return get_openai_client().sdk.chat.completions.create(**CHAT).id
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(40)))) == 40
    assert Call.objects.filter(status="succeeded").count() == 40
    period = BudgetPeriod.objects.get()
    assert (period.held, period.settled) == (0, sum(Call.objects.values_list("cost", flat=True)))


@pytest.mark.django_db(transaction=True)
def test_many_are_awaited_at_a_time(provider, budget, run):
    async def all_of_them():
        sdk = await get_client()
        return await asyncio.gather(*(sdk.chat.completions.create(**CHAT) for _ in range(150)))

    assert len({made.id for made in run(all_of_them())}) == 150
    assert Call.objects.filter(status="succeeded").count() == 150
    period = BudgetPeriod.objects.get()
    assert (period.held, period.settled) == (0, sum(Call.objects.values_list("cost", flat=True)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_forked_off_has_connections_of_its_own(provider, budget):
    provider.when(lambda request: True, lambda request: Answer(text=f"To {request.text}", delay=0.3))
    held = get_openai_client().sdk.with_options(timeout=10)

    def answer_to(question, sdk=held):
        asked = {**CHAT, "messages": [{"role": "user", "content": question}]}
        return sdk.chat.completions.create(**asked).choices[0].message.content

    # Leaves a connection open, which a child would share.
    assert answer_to("before") == "To before"
    connections.close_all()
    with warnings.catch_warnings():
        # Python warns of threads; the stand-in's is one.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            right = [answer_to("child") == "To child", answer_to("own", get_openai_client().sdk) == "To own"]
            code = 0 if all(right) else 2
        finally:
            os._exit(code)
    while len(provider.requests) < 2:
        time.sleep(0.01)
    # While the child waits for its answer.
    assert answer_to("parent") == "To parent"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert Call.objects.filter(status="succeeded").count() == 4


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("view", ["awaited", "blocking", "bridging"])
@pytest.mark.django_db(transaction=True)
def test_it_is_used_in_views_under_asgi_without_anybody_waiting_for_himself(provider, budget, view, run):
    async def at_once():
        return await asyncio.gather(*(AsyncClient().get(f"/{view}/") for _ in range(5)))

    answers = run(at_once())
    assert [answer.status_code for answer in answers] == [200] * 5
    assert all(answer.json()["said"] for answer in answers)
    assert not Call.objects.exclude(status="succeeded").exists()
    assert Call.objects.count() == (10 if view == "bridging" else 5)


def test_nothing_is_left_open_that_python_would_complain_of(provider, budget):
    async def ask():
        sdk = await get_client()
        await sdk.chat.completions.create(**CHAT)
        stream = await sdk.chat.completions.create(**CHAT, stream=True)
        async for _chunk in stream:
            pass

    # Warnings are errors here, those of a collected socket included.
    async_to_sync(ask)()
    gc.collect()
    assert not [thread for thread in threading.enumerate() if "openai" in thread.name.lower()]


def test_proxies_of_the_environment_are_used_and_recorded(provider, budget, settings, monkeypatch):
    proxy = provider.base_url.removesuffix("/v1")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    default = {**settings.AIOPS["CONNECTIONS"]["default"], "BASE_URL": "http://provider.example/v1", "NAME": "proxied"}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default}}
    assert get_openai_client().sdk.chat.completions.create(**CHAT).choices
    assert Call.objects.get().status == "succeeded"
    assert len(provider.requests) == 1
