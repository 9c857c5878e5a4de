"""One question, asked in every way there is: on both interfaces, blocking and awaited, whole and streamed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from asgiref.sync import async_to_sync

from aiops import get_async_openai_client, get_openai_client
from aiops.calls.models import Call
from aiops.gateway.retry import RetryPolicy
from aiops.ledger.models import BudgetPeriod, Hold

ASK = [{"role": "user", "content": "What is a chargeback?"}]
WAYS = ("blocking", "awaited", "blocking stream", "awaited stream")


def connected(settings, **options):
    """Change the connection `default`."""
    aiops = settings.AIOPS
    default = {**aiops["CONNECTIONS"]["default"], **options}
    settings.AIOPS = {**aiops, "CONNECTIONS": {**aiops["CONNECTIONS"], "default": default}}


@pytest.fixture(params=["chat", "responses"])
def api(request, provider, settings, budget):
    """The interface that the connection speaks."""
    connected(settings, API=request.param)
    return request.param


@dataclass(frozen=True)
class Way:
    """How it is asked."""

    name: str

    @property
    def streams(self) -> bool:
        return "stream" in self.name

    def __call__(self, **arguments) -> str:
        """Ask, and give the text of the answer. No wait between attempts is worth a second of a test."""
        arguments = {"retry": RetryPolicy(attempts=3, first_wait=0.01, deadline=60.0), **arguments}
        if "awaited" in self.name:
            return async_to_sync(self._awaited)(arguments)
        client = get_openai_client()
        if self.streams:
            return list(client.stream(ASK, **arguments))[-1].text
        return client.chat_completion(ASK, **arguments).choices[0].message.content or ""

    async def _awaited(self, arguments) -> str:
        client = get_async_openai_client()
        if self.streams:
            return [piece async for piece in client.stream(ASK, **arguments)][-1].text
        return (await client.chat_completion(ASK, **arguments)).choices[0].message.content or ""


@pytest.fixture(params=WAYS)
def ask(request, api):
    return Way(request.param)


def closed_row() -> Call:
    """The one call that was made, once it is seen that it and its money have come to an end."""
    row = Call.objects.get()
    assert row.status in ("succeeded", "failed", "unknown")
    assert row.ended_at is not None
    period = BudgetPeriod.objects.get()
    holds = Hold.objects.all()
    assert not holds.filter(state=Hold.State.HELD).exists()
    assert (period.held, period.settled) == (0, sum(hold.settled for hold in holds))
    return row
