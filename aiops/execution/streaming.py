"""One call whose answer is shown while it comes: recorded, held for and settled like every other.

Asked again, or of somebody else, only while nothing of an answer has been shown yet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing

from asgiref.sync import sync_to_async

from aiops.execution.ask import Ended, NoMoney, Tally
from aiops.execution.call import close_call, give_up, open_call, policy_of, rehold, withdraw_call
from aiops.execution.cancelled import all_the_same, or_undone
from aiops.execution.chain import Chain, Link
from aiops.execution.judge import Outcome, judge
from aiops.execution.leave import aleave, heard_by, leave
from aiops.execution.prepare import Prepared
from aiops.gateway.completion import Completion
from aiops.gateway.dialects import Request
from aiops.gateway.errors import Abandoned, GatewayError
from aiops.gateway.retry import Wait, jittered
from aiops.gateway.stream import astream, stream
from aiops.ledger.errors import LedgerError
from aiops.limits.take import Permit


def stream_call(prepared: Prepared) -> Generator[str | Outcome, None, None]:
    """Make a call, blocking: gives the text as it comes, and in the end what came of it.

    Whoever stops reading ends the call: it is logged with what had come by then, and charged at its hold.

    Raises:
        aiops.execution.errors.REFUSALS: nothing was sent.
    """
    prepared = open_call(prepared)
    shown = _Shown(prepared)
    try:
        while shown.ended is None:
            if shown.must_hold_again:
                shown.reheld(rehold(shown.tally.prepared, shown.tally.spent, shown.tally.attempts))
                continue
            prepared = shown.tally.prepared
            connection, heard = prepared.plan.connection, heard_by(prepared)
            try:
                with (
                    leave(prepared, shown.tally.timeout) as permit,
                    closing(stream(shown.asking(), connection, timeout=shown.tally.timeout, heard=heard)) as pieces,
                ):
                    for piece in pieces:
                        if not isinstance(piece, str):
                            shown.whole(piece, permit)
                        elif text := shown.show(piece):
                            yield text
            except GatewayError as error:
                time.sleep(shown.failed(error))
            if link := shown.next_link():
                shown.linked(link, rehold(link.tally.prepared, link.spent, link.tally.held_attempt))
        if rest := shown.rest():
            yield rest
    except GeneratorExit:
        close_call(judge(shown.abandoned()))
        raise
    except BaseException:
        give_up(prepared)
        raise
    yield close_call(judge(shown.ended))


async def astream_call(prepare: Callable[[], Prepared]) -> AsyncGenerator[str | Outcome]:
    """As `stream_call`, without blocking the event loop.

    Args:
        prepare: gives the call; it may ask the database.

    Raises:
        aiops.execution.errors.REFUSALS: as there.
    """
    hold = sync_to_async(rehold)
    prepared = await or_undone(lambda: open_call(prepare()), withdraw_call)
    shown = _Shown(prepared)
    try:
        while shown.ended is None:
            if shown.must_hold_again:
                shown.reheld(await hold(shown.tally.prepared, shown.tally.spent, shown.tally.attempts))
                continue
            prepared = shown.tally.prepared
            connection, heard = prepared.plan.connection, heard_by(prepared)
            try:
                async with (
                    aleave(prepared, shown.tally.timeout) as permit,
                    aclosing(astream(shown.asking(), connection, timeout=shown.tally.timeout, heard=heard)) as pieces,
                ):
                    async for piece in pieces:
                        if not isinstance(piece, str):
                            shown.whole(piece, permit)
                        elif text := shown.show(piece):
                            yield text
            except GatewayError as error:
                await asyncio.sleep(shown.failed(error))
            if link := shown.next_link():
                shown.linked(link, await hold(link.tally.prepared, link.spent, link.tally.held_attempt))
        if rest := shown.rest():
            yield rest
    except (GeneratorExit, asyncio.CancelledError):
        await asyncio.shield(sync_to_async(close_call)(judge(shown.abandoned())))
        raise
    except BaseException:
        await asyncio.shield(sync_to_async(give_up)(prepared))
        raise
    outcome = judge(shown.ended)
    yield await all_the_same(lambda: close_call(outcome))


class _Shown:
    """What has been asked and shown so far; the same for both drivers."""

    def __init__(self, prepared: Prepared) -> None:
        self.chain = Chain(prepared, policy_of(prepared))
        self.tally: Tally = self.chain.first()
        self.tally.begin()
        self.ended: Ended | None = None
        self._held = True
        self._waits = False
        self._restored = self.tally.prepared.restore.stream()
        self._text: list[str] = []

    def asking(self) -> Request:
        """What leaves now.

        Raises:
            TypeError: it is no question, and its answer cannot come piece by piece.
        """
        self._waits = False
        if not isinstance(self.tally.prepared.request, Request):
            raise TypeError(f"A call for {self.tally.prepared.request.operation} has no stream.")
        return self.tally.prepared.request

    @property
    def must_hold_again(self) -> bool:
        """Whether the hold that is open may be spent by the attempt before."""
        return not self._held

    def reheld(self, refusal: LedgerError | None) -> None:
        """What came of holding anew."""
        try:
            self.tally.reheld(refusal)
        except NoMoney:
            self.ended = self.tally.ended()
        self._held = True

    def show(self, text: str) -> str:
        """What may be shown of the answer now that there is more of it."""
        self._text.append(text)
        return self._restored.feed(text)

    def whole(self, completion: Completion, permit: Permit) -> None:
        """The answer is there, to its end."""
        self.ended = self.tally.ended(completion)
        if completion.usage is not None:
            permit.used(completion.usage.tokens_in + completion.usage.tokens_out)

    def rest(self) -> str:
        """What was kept back, since it might have been the beginning of a token."""
        return self._restored.end()

    def failed(self, error: GatewayError) -> float:
        """Note an attempt that gave no whole answer; seconds until the next, or 0 where there is none."""
        tally = self.tally
        tally.failed(error)
        decision = tally.policy.decide(error, tally.attempts - tally.earlier, tally.elapsed())
        if self._text or not isinstance(decision, Wait):
            self.ended = tally.ended()
            return 0.0
        tally.begin()
        self._waits = True
        self._held = not tally.must_hold_again
        return jittered(decision)

    def next_link(self) -> Link | None:
        """Whom to ask instead, where nothing has been shown yet."""
        return self.chain.next(self.ended) if self.ended is not None and not self._text else None

    def linked(self, link: Link, refusal: LedgerError | None) -> None:
        """Go on with somebody else, if there is money for it."""
        if refusal is None:
            self.ended = None
            self.tally = link.tally
            self._restored = self.tally.prepared.restore.stream()
            self.tally.begin()

    def abandoned(self) -> Ended:
        """The call as it is when nobody wants the rest."""
        if self.ended is None and self._waits and self.tally.held_attempt < self.tally.attempts:
            # The next attempt is not made any more: what came of the last one is the end.
            self.tally.attempts -= 1
            self.ended = self.tally.ended()
        if self.ended is None:
            text = "Whoever asked did not wait for the whole answer; it may have been billed."
            self.tally.failed(Abandoned(text, raw="".join(self._text)))
        return self.ended or self.tally.ended()
