"""One request of the SDK as a call: its row and hold before it leaves, its end after."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx2
from django.db import DataError, IntegrityError
from django.utils import timezone

from aiops.client.sdk.answered import EVENTS, NotEnded, answer_in, body_so_far, text_so_far
from aiops.client.sdk.asked import SdkRequest
from aiops.execution.about import about
from aiops.execution.ask import Ended, Tally
from aiops.execution.call import policy_of
from aiops.execution.closing import aclose_call, close_call
from aiops.execution.errors import UnpricedParameter
from aiops.execution.judge import Outcome, judge, spoiled
from aiops.execution.prepare import Prepared
from aiops.execution.prepare_sdk import prepare_sdk
from aiops.gateway.bounds import MOST_BYTES
from aiops.gateway.completion import Completion
from aiops.gateway.connections import Connection
from aiops.gateway.dialects import Facts
from aiops.gateway.errors import Abandoned, GatewayError, Interrupted, Malformed, Unreachable
from aiops.gateway.translate import NEVER_SENT
from aiops.ledger.errors import UnpricedModel

logger = logging.getLogger(__name__)

UNBOUNDED = frozenset({"speech", "other"})
"""Operations whose answers are sound, images or files: whoever asked reads as much of them as there is."""

LAST = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\]")
"""The last event of a stream. No text can look like it: in JSON, ends of lines are escaped."""

MARK = 16
"""Bytes of it that may have come with the piece before."""

UNFIT = (DataError, IntegrityError, OverflowError, ValueError)
"""What a database or its driver says to a value that it cannot hold."""


class Sent:
    """One request on its way, and what has come of it so far."""

    def __init__(self, asked: SdkRequest, prepared: Prepared) -> None:
        self._asked = asked
        self._tally = Tally(prepared, policy_of(prepared))
        self._tally.begin()
        self._started = time.perf_counter()
        self._first_byte: float | None = None
        self._response: httpx2.Response | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self.is_done = False
        """Whether the last event of a stream has come: whoever reads it may leave at once."""

    def answered(self, response: httpx2.Response) -> None:
        """The headers are there."""
        self._first_byte = time.perf_counter()
        self._response = response

    def take(self, piece: bytes) -> bool:
        """Note a piece of the body, as much as is kept of one. False: no more of it is wanted.

        Raises:
            Malformed: it is larger than any answer.
        """
        self._size += len(piece)
        if self._size <= MOST_BYTES:
            tail = self._pieces[-1][-MARK:] if self._pieces else b""
            self.is_done = self.is_done or (self._is_stream and LAST.search(tail + piece) is not None)
            self._pieces.append(piece)
            return True
        if self._asked.operation in UNBOUNDED:
            return True
        if self._response is not None and not self._response.is_success:
            # An error is none the less told by its status.
            return False
        raise Malformed(f"The provider's answer is larger than {MOST_BYTES >> 20} MiB; it was not read to its end.")

    def failed(self, error: BaseException) -> Ended:
        """The call as it is where there is no whole answer."""
        found = _translated(error)
        found.raw = found.raw or self._text()
        self._tally.failed(found)
        return self._tally.ended()

    def read_to_its_end(self) -> Ended:
        """The call as it is when all of the answer has been read."""
        try:
            return self._tally.ended(self._completion())
        except GatewayError as error:
            return self.failed(error)

    def left(self) -> Ended:
        """The call as it is when nobody wants more of the answer. It may be whole: the SDK leaves at its last event."""
        try:
            return self._tally.ended(self._completion())
        except NotEnded:
            return self.failed(GeneratorExit())
        except GatewayError as error:
            half = isinstance(error, Malformed) and not self._is_stream
            return self.failed(GeneratorExit() if half else error)

    def _completion(self) -> Completion:
        if self._response is None:
            raise NotEnded
        facts = Facts(
            request_id=self._response.headers.get("x-request-id", "")[:128],
            content_type=self._content_type,
            first_byte_ms=self._since_start(self._first_byte),
            total_ms=self._since_start(time.perf_counter()),
        )
        return answer_in(self._asked, self._response, b"".join(self._pieces), facts)

    @property
    def _content_type(self) -> str:
        return self._response.headers.get("content-type", "").lower() if self._response is not None else ""

    @property
    def _is_stream(self) -> bool:
        return self._content_type.startswith(EVENTS)

    def _since_start(self, moment: float | None) -> int | None:
        return None if moment is None else round((moment - self._started) * 1000)

    def _text(self) -> str:
        if self._response is None or self._asked.operation in UNBOUNDED:
            return ""
        content = b"".join(self._pieces)
        return text_so_far(self._asked, content) if self._is_stream else body_so_far(content)


def prepared(asked: SdkRequest, connection: Connection) -> Prepared:
    """The call for a request."""
    return prepare_sdk(asked, about(None, None), connection, priced=asked.is_priced, now=timezone.now())


@contextmanager
def saying_why(asked: SdkRequest) -> Iterator[None]:
    """Where a call is refused since nobody can say what it costs, say what in it is to blame.

    Raises:
        UnpricedParameter: instead of `UnpricedModel`, where it is not the model.
    """
    try:
        yield
    except UnpricedModel as refusal:
        if asked.unpriced:
            raise UnpricedParameter(asked.unpriced) from refusal
        raise


def end(ended: Ended) -> None:
    """Write how a call ended and settle its money. Never raises: an answer that is paid for reaches whoever asked.

    A call that could not be closed stays open, which is how those look whose process died.
    """
    try:
        try:
            close_call(_judged(ended))
        except UNFIT as fault:
            logger.exception("call %s: its answer cannot be kept", ended.prepared.call_id)
            close_call(spoiled(ended, fault))
    except Exception:
        logger.exception("call %s could not be closed", ended.prepared.call_id)


async def aend(ended: Ended) -> None:
    """As `end`, without blocking the event loop. It is written even if whoever asked is cancelled meanwhile."""
    try:
        try:
            await aclose_call(_judged(ended))
        except UNFIT as fault:
            logger.exception("call %s: its answer cannot be kept", ended.prepared.call_id)
            await aclose_call(spoiled(ended, fault))
    except Exception:
        logger.exception("call %s could not be closed", ended.prepared.call_id)


def _judged(ended: Ended) -> Outcome:
    outcome = judge(ended)
    if ended.prepared.plan.price is not None or outcome.ending.released:
        return outcome
    # Where what was asked had no price, that of the model that answered is none.
    return replace(outcome, end=replace(outcome.end, cost=None, price=None), ending=replace(outcome.ending, cost=None))


def _translated(error: BaseException) -> GatewayError:
    match error:
        case GatewayError():
            return error
        case _ if isinstance(error, NEVER_SENT):
            return Unreachable("The provider cannot be reached; check its address and that it is running.")
        case httpx2.TimeoutException():
            return Interrupted("The provider did not answer in time.")
        case Exception():
            return Interrupted("The connection broke before the answer was complete.")
        case _:
            return Abandoned("Whoever asked did not wait for the whole answer; it may have been billed.")
