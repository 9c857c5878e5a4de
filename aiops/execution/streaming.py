"""One call whose answer is shown while it comes: recorded, held for and settled like every other.

Asked again, or of somebody else, only while nothing of an answer has been shown yet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing

from aiops.execution.ask import Ended, NotAgain, Tally
from aiops.execution.call import policy_of, rehold
from aiops.execution.chain import Chain, Link, is_for_all
from aiops.execution.closing import aclose_call, close_call, give_up
from aiops.execution.errors import AttemptRefused
from aiops.execution.judge import Outcome, judge
from aiops.execution.leave import aleave, heard_by, leave
from aiops.execution.opening import aopen, open_call
from aiops.execution.prepare import Prepared
from aiops.execution.unbroken import unbroken
from aiops.gateway.completion import Completion
from aiops.gateway.dialects import Request
from aiops.gateway.errors import Abandoned, GatewayError
from aiops.gateway.retry import Wait, jittered
from aiops.gateway.stream import astream, stream
from aiops.ledger.holds import Ending
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
            if shown.must_ask_again:
                shown.reheld(rehold(*shown.again()))
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
            while link := shown.next_link():
                if shown.linked(link, rehold(link.tally.prepared, link.spent, link.tally.held_attempt)):
                    break
        if rest := shown.rest():
            yield rest
    except GeneratorExit:
        close_call(judge(shown.abandoned()))
        raise
    except BaseException:
        give_up(shown.tally)
        raise
    yield close_call(judge(shown.ended))


async def astream_call(prepare: Callable[[], Prepared]) -> AsyncGenerator[str | Outcome]:
    """As `stream_call`, without blocking the event loop.

    Args:
        prepare: gives the call; it may ask the database.

    Raises:
        aiops.execution.errors.REFUSALS: as there.
    """
    hold = unbroken(rehold)
    prepared = await aopen(prepare)
    shown = _Shown(prepared)
    try:
        while shown.ended is None:
            if shown.must_ask_again:
                shown.reheld(await hold(*shown.again()))
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
            while link := shown.next_link():
                if shown.linked(link, await hold(link.tally.prepared, link.spent, link.tally.held_attempt)):
                    break
        if rest := shown.rest():
            yield rest
    except (GeneratorExit, asyncio.CancelledError):
        if shown.is_asking_again:
            await unbroken(give_up)(shown.tally)
        else:
            await aclose_call(judge(shown.abandoned()))
        raise
    except BaseException:
        await unbroken(give_up)(shown.tally)
        raise
    yield await aclose_call(judge(shown.ended))


class _Shown:
    """What has been asked and shown so far; the same for both drivers."""

    def __init__(self, prepared: Prepared) -> None:
        self.chain = Chain(prepared, policy_of(prepared))
        self.tally: Tally = self.chain.tally
        self.tally.begin()
        self.ended: Ended | None = None
        self.must_ask_again = False
        """Whether an attempt failed, and another may be made if it is allowed."""
        self._restored = self.tally.prepared.restore.stream()
        self._text: list[str] = []

    def asking(self) -> Request:
        """What leaves now.

        Raises:
            TypeError: it is no question, and its answer cannot come piece by piece.
        """
        if not isinstance(self.tally.prepared.request, Request):
            raise TypeError(f"A call for {self.tally.prepared.request.operation} has no stream.")
        return self.tally.prepared.request

    @property
    def is_asking_again(self) -> bool:
        """Whether money is being held for another attempt just now: how far that has come, nobody can tell."""
        return self.must_ask_again and self.tally.attempts > len(self.tally.failures)

    def again(self) -> tuple[Prepared, Ending | None, int]:
        """Begin another attempt; what must be asked before it is made."""
        self.tally.begin()
        return self.tally.prepared, self.tally.spent, self.tally.attempts

    def reheld(self, refusal: AttemptRefused | None) -> None:
        """What came of asking."""
        self.must_ask_again = False
        try:
            self.tally.reheld(refusal)
        except NotAgain:
            self.ended = self.tally.ended()

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
        self.must_ask_again = True
        return jittered(decision)

    def next_link(self) -> Link | None:
        """Whom to ask instead, where nothing has been shown yet."""
        if self.ended is None:
            return None
        if self._text:
            self.chain.note(self.ended)
            return None
        return self.chain.next(self.ended)

    def linked(self, link: Link, refusal: AttemptRefused | None) -> bool:
        """Go on with somebody else, if that is allowed. Returns whether that settles who is asked."""
        if refusal is not None:
            return is_for_all(refusal)
        self.ended = None
        self.tally = link.tally
        self._restored = self.tally.prepared.restore.stream()
        self.tally.begin()
        return True

    def abandoned(self) -> Ended:
        """The call as it is when nobody wants the rest."""
        # Between two attempts nothing is under way that could be billed.
        if self.ended is None and not self.must_ask_again:
            text = "Whoever asked did not wait for the whole answer; it may have been billed."
            self.tally.failed(Abandoned(text, raw="".join(self._text)))
        return self.ended or self.tally.ended()
