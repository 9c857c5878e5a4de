"""The stand-in provider as tests hold it: a server in a thread and a loop of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from aiops.gateway.stand_in.at_once import AtOnce
from aiops.gateway.stand_in.batch_desk import BatchDesk
from aiops.gateway.stand_in.exchange import Manner
from aiops.gateway.stand_in.faults import FAULTS
from aiops.gateway.stand_in.operations import operations
from aiops.gateway.stand_in.organization import Books
from aiops.gateway.stand_in.provider import Provider
from aiops.gateway.stand_in.rate_limits import RateLimits
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.replies import Reply
from aiops.gateway.stand_in.script import Sayable, Script
from aiops.gateway.stand_in.server import LOOPBACK, Server
from aiops.gateway.stand_in.totals import Tally, Totals

MODEL = "gpt-6-luna"


class StandIn:
    """An OpenAI-compatible provider on this machine, on a free port of the loopback address.

    with StandIn() as provider:
        client = OpenAI(base_url=provider.base_url, api_key="stand-in", max_retries=0)
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        latency: float = 0.0,
        port: int = 0,
        api_key: str | None = None,
        admin_key: str | None = None,
        model: str = "",
        models: Sequence[str] | Mapping[str, str | None] = (MODEL,),
        cached_tokens: int = 0,
        reasoning_tokens: int = 0,
        faults: float = 0.0,
        fault_kinds: Sequence[Reply] = FAULTS,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        most_at_once: int | None = None,
        keep_requests: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        Args:
            seed: the same seed and messages give the same answer; the same seed and count give the same faults.
            latency: seconds before every answer that has no `delay` of its own.
            port: 0 takes a free one.
            api_key: with it, every other key is answered with 401.
            admin_key: with it, every other key is answered with 401 where what was billed is asked for.
            model: named as the one that answered; empty echoes the one that was asked for.
            models: what `GET /v1/models` lists; a mapping says the day on which each is shut down, or None.
            cached_tokens: reported inside each prompt's tokens, as far as it has so many.
            reasoning_tokens: reported inside, and added to, each answer's tokens.
            faults: share of the requests, 0 to 1, that get one of `fault_kinds`; rules and script come first.
            fault_kinds: what is dealt out.
            requests_per_minute: most that are let in within any sixty seconds, by model; the others get 429.
            tokens_per_minute: the same for tokens, of prompts and of the output that they ask for.
            most_at_once: requests that it bears at a time; the others get 429, without a word of when to come again.
            keep_requests: False keeps no `requests`, for millions of them.
            clock: seconds since the epoch, by which uploaded files expire and limits are held.

        Raises:
            ValueError: `faults` is no share.
        """
        if not 0 <= faults <= 1:
            raise ValueError(f"faults is a share between 0 and 1, not {faults!r}.")
        self._tally = Tally()
        self._at_once = AtOnce(most_at_once)
        self.books = Books(admin_key)
        """What it says that it billed and counted, by day; filled by the test."""
        self.batches = BatchDesk()
        """What becomes of batches, and the limits that they are held to; set by the test."""
        self._script = Script(seed=seed, faults=faults, fault_kinds=fault_kinds)
        self._provider = Provider(
            manner=Manner(seed=seed, model=model, cached_tokens=cached_tokens, reasoning_tokens=reasoning_tokens),
            script=self._script,
            tally=self._tally,
            latency=latency,
            api_key=api_key,
            operations=operations(models=models, clock=clock, books=self.books, desk=self.batches),
            limits=RateLimits(requests=requests_per_minute, tokens=tokens_per_minute, clock=clock),
            at_once=self._at_once,
            keep_requests=keep_requests,
        )
        self._server = Server(self._provider)
        self._wanted_port = port
        self._port: int | None = None
        self._thread: threading.Thread | None = None
        self._end: Callable[[], object] = lambda: None
        self._started = threading.Event()
        self._failed: BaseException | None = None

    @property
    def base_url(self) -> str:
        """What a connection's `BASE_URL` is.

        Raises:
            RuntimeError: it is not running.
        """
        if self._port is None:
            raise RuntimeError("The stand-in is not running. Use it as `with StandIn() as provider:`.")
        return f"http://{LOOPBACK}:{self._port}/v1"

    @property
    def requests(self) -> list[Received]:
        """What was asked, in the order of arrival."""
        return list(self._provider.requests)

    @property
    def totals(self) -> Totals:
        """The server's own count."""
        return self._tally.snapshot()

    @property
    def most_at_once(self) -> int | None:
        """Requests that it bears at a time; may be set at any time."""
        return self._at_once.most

    @most_at_once.setter
    def most_at_once(self, most: int | None) -> None:
        self._at_once.most = most

    @property
    def replies_left(self) -> int:
        """How many replies of the script have not been used."""
        return self._script.left

    def reply_with(self, *replies: Sayable) -> None:
        """Use these replies for the next requests, in order; after them come answers of the seed again."""
        self._script.add(replies)

    def when(self, match: Callable[[Received], bool], reply: Sayable, *, times: int | None = None) -> None:
        """Answer each request that matches with this reply, before the script is asked.

        Args:
            match: runs in the server's thread: `lambda request: "Ticket 7" in request.text`.
            reply: see `reply_with`.
            times: after so many the rule is spent; None is always.
        """
        self._script.add_rule(match, reply, times)

    def reset(self) -> None:
        """Forget what was asked, counted, scripted and uploaded. What is in flight ends as it began."""
        self._provider.reset()

    def start(self) -> Self:
        """Listen.

        Raises:
            OSError: the port is taken.
            RuntimeError: it is running.
        """
        if self._thread is not None:
            raise RuntimeError("The stand-in is running already.")
        self._started.clear()
        self._failed = None
        self._thread = threading.Thread(target=self._run, name="stand-in provider", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failed is not None:
            self._thread.join()
            self._thread = None
            raise self._failed
        return self

    def stop(self) -> None:
        """Drop every connection and end the thread; at once, whatever hangs."""
        if self._thread is None:
            return
        self._end()
        self._thread.join()
        self._thread = self._port = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        # A rule that is wrong must fail the test that wrote it, not look like a provider that is down.
        if error is None and self._provider.failures:
            raise self._provider.failures[0]

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        self._end = lambda: loop.call_soon_threadsafe(stop.set)
        try:
            self._port = await self._server.start(self._wanted_port)
        except OSError as error:
            self._failed = error
            return
        finally:
            self._started.set()
        await stop.wait()
        await self._server.stop()
