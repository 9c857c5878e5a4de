"""A stream that is cut, wherever that is: what came is kept and paid for, no half answer is taken for a whole one."""

import asyncio
from dataclasses import dataclass

import pytest

from aiops import OpenAITransportError
from aiops.gateway.clients import close_async_clients
from aiops.gateway.connections import get_connection
from aiops.gateway.errors import GatewayError
from aiops.gateway.request import Request
from aiops.gateway.stand_in.broken_bodies import Spoilt
from aiops.gateway.stand_in.exchange import EVENTS
from aiops.gateway.stream import astream, stream
from aiops.gateway.testing import Answer
from aiops.ledger.models import BudgetPeriod, Hold
from tests.faults.conftest import ASK, Way, closed_row

TEXT = "A payment that was taken back."
REQUEST = Request(connection="default", model="gpt-6-luna", messages=ASK, output_limit=50)


@dataclass(frozen=True)
class CutAt(Spoilt):
    """So many bytes of a stream, and no more; every second one says that this was all."""

    at: int
    sizes: list[int]
    """Filled with the size of the whole stream."""

    async def send(self, exchange):
        draft, body, _ = self.all_of_it(exchange)
        exchange.lose(draft)
        self.sizes.append(len(body))
        await exchange.begin(EVENTS)
        await exchange.piece(body[: self.at])
        if self.at % 2 or self.at == len(body):
            await exchange.end()
        else:
            exchange.hang_up()


def asked_to(at):
    return Request(
        connection="default",
        model="gpt-6-luna",
        messages=[{"role": "user", "content": f"What is a chargeback? #{at}"}],
        output_limit=50,
    )


def seen(pieces, error):
    """What was shown, and whether it was said to be all."""
    shown = "".join(piece for piece in pieces if isinstance(piece, str))
    assert TEXT.startswith(shown)
    if error is None:
        assert pieces[-1].text == shown == TEXT
    else:
        assert (error.kind, error.retryable) in (("interrupted", True), ("malformed", False))
        assert error.raw == shown
        assert error.billed == "perhaps"
    return error is None


def asked_and_awaited(ats):
    async def one(at):
        pieces, error = [], None
        try:
            async for piece in astream(asked_to(at), get_connection(), timeout=30.0):
                pieces.append(piece)
        except GatewayError as caught:
            error = caught
        return seen(pieces, error)

    async def all_of_them():
        found = []
        for first in range(0, len(ats), 50):
            found += await asyncio.gather(*map(one, ats[first : first + 50]))
        await close_async_clients()
        return found

    return asyncio.run(all_of_them())


def asked(ats):
    found = []
    for at in ats:
        pieces, error = [], None
        try:
            pieces += stream(asked_to(at), get_connection(), timeout=30.0)
        except GatewayError as caught:
            error = caught
        found.append(seen(pieces, error))
    return found


@pytest.mark.slow
def test_wherever_a_stream_is_cut_no_half_answer_is_taken_for_a_whole_one(api, provider):
    sizes = []

    def cut(request):
        return CutAt(at=int(request.text.rpartition("#")[2]), sizes=sizes, of=Answer(TEXT))

    provider.when(lambda _: True, cut)
    assert asked([0]) == [False]
    ats = range(1, sizes[0] + 1)
    # Both drivers feed the same reader: each byte is tried with one of them, and each kind of end with both.
    blocking, awaited = [at for at in ats if at % 3 == 0], [at for at in ats if at % 3]
    whole = dict(zip([*blocking, *awaited], [*asked(blocking), *asked_and_awaited(awaited)], strict=True))
    assert whole[sizes[0]]
    # What says that an answer is whole comes in the last of its events.
    assert min(at for at in ats if whole[at]) > sizes[0] / 2


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8])
@pytest.mark.parametrize("politely", [0, 1])
@pytest.mark.parametrize("way", ["blocking stream", "awaited stream"])
def test_a_cut_stream_is_charged_at_its_hold_and_what_came_is_kept(api, provider, way, share, politely):
    sizes = []

    def cut(request):
        # The first learns how long it is, and shows nothing.
        at = int(sizes[0] * share) // 2 * 2 + politely if sizes else 0
        return CutAt(at=at, sizes=sizes, of=Answer(TEXT))

    provider.when(lambda _: True, cut)
    with pytest.raises(OpenAITransportError):
        Way(way)()
    row = closed_row()
    assert (row.status, row.cost) == ("failed", None)
    assert TEXT.startswith(row.output) or row.error_kind == "malformed"
    assert BudgetPeriod.objects.get().settled == sum(hold.amount for hold in Hold.objects.all())
    assert Hold.objects.count() == row.attempt_count == len(provider.requests)
