"""Callers that ask one question after the other: half of them in threads, half on an event loop."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from aiops import get_async_openai_client, get_openai_client
from aiops.gateway.clients import close_async_clients
from aiops.gateway.retry import RetryPolicy

FORMS = ("text", "json", "stream")
APIS = ("chat", "responses")
SCHEMA = {
    "type": "object",
    "properties": {
        "question": {"type": "integer"},
        "sending": {"type": "integer"},
        "seal": {"type": "string"},
    },
    "required": ["question", "sending", "seal"],
    "additionalProperties": False,
}
LEAVES_EVERY = 5
"""Each so-manieth caller goes away before it has its answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one caller saw of one question."""

    question: int
    answer: str = ""
    """A digest of the text, or of the data, that it was given."""

    error: str = ""
    """The kind of the error that it was given instead, or `left`."""

    began: float = 0.0
    ended: float = 0.0
    """Seconds since the epoch."""


class Callers:
    """`start()` them; `join()` says whether all have come home."""

    def __init__(self, count: int, *, deadline: float, more: Callable[[int], bool]) -> None:
        """
        Args:
            deadline: seconds that each waits for an answer, attempts and waits included.
            more: given the number of the next question, whether it shall be asked.
        """
        self.asked: list[Asked] = []
        self._deadline = deadline
        self._questions = self._numbers(more)
        self._lock = threading.Lock()
        blocking = count // 2
        self._threads = [threading.Thread(target=self._one_by_one, daemon=True) for _ in range(blocking)]
        self._threads.append(threading.Thread(target=self._on_a_loop, args=(count - blocking,), daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self, seconds: float) -> bool:
        """Wait for all of them; False where one still hangs after so long."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _numbers(self, more: Callable[[int], bool]) -> Iterator[int]:
        number = 1
        while more(number):
            yield number
            number += 1

    def _next(self) -> int | None:
        with self._lock:
            return next(self._questions, None)

    def _one_by_one(self) -> None:
        try:
            while (number := self._next()) is not None:
                self._noted(number, lambda number=number: self._ask(number))
        finally:
            connections.close_all()

    def _noted(self, number: int, ask: Callable[[], Any]) -> None:
        started = time.time()
        try:
            self._note(number, started, answer=ask())
        except Exception as error:
            self._note(number, started, error=getattr(error, "kind", "") or type(error).__name__)

    def _note(self, number: int, started: float, **what: Any) -> None:
        if "answer" in what:
            what["answer"] = digest(what["answer"])
        self.asked.append(Asked(number, began=started, ended=time.time(), **what))

    def _ask(self, number: int) -> Any:
        client, (form, ask, options) = get_openai_client(), self._how(number)
        if form == "json":
            return client.chat_completion_json(ask, response_format=_FORMAT, **options)
        if form == "text":
            return client.chat_completion(ask, **options).choices[0].message.content
        shown = ""
        with closing(client.stream(ask, **options)) as pieces:
            for piece in pieces:
                if not isinstance(piece, str):
                    assert shown == piece.text, (shown, piece.text)
                    return piece.text
                shown += piece
                if number % LEAVES_EVERY == 0:
                    raise _Left
        raise AssertionError("A stream ended without an end.")

    def _on_a_loop(self, count: int) -> None:
        async def one_after_another() -> None:
            while (number := self._next()) is not None:
                started = time.time()
                try:
                    # A caller that leaves does so at any moment, be it before the question was sent.
                    patience = number % 97 / 1000 if number % LEAVES_EVERY == 0 else None
                    async with asyncio.timeout(patience):
                        answer = await self._aask(number)
                    self._note(number, started, answer=answer)
                except TimeoutError:
                    self._note(number, started, error=_Left.kind)
                except Exception as error:
                    self._note(number, started, error=getattr(error, "kind", "") or type(error).__name__)

        async def all_of_them() -> None:
            await asyncio.gather(*(one_after_another() for _ in range(count)))
            await close_async_clients()
            await sync_to_async(connections.close_all)()

        asyncio.run(all_of_them())

    async def _aask(self, number: int) -> Any:
        client, (form, ask, options) = get_async_openai_client(), self._how(number)
        if form == "json":
            return await client.chat_completion_json(ask, response_format=_FORMAT, **options)
        if form == "text":
            return (await client.chat_completion(ask, **options)).choices[0].message.content
        shown = ""
        async for piece in client.stream(ask, **options):
            if not isinstance(piece, str):
                assert shown == piece.text, (shown, piece.text)
                return piece.text
            shown += piece
        raise AssertionError("A stream ended without an end.")

    def _how(self, number: int) -> tuple[str, str, dict[str, Any]]:
        options = {
            "connection": APIS[number // len(FORMS) % len(APIS)],
            "purpose": str(number),
            "max_tokens": 200,
            "retry": RetryPolicy(attempts=3, first_wait=0.01, longest_wait=1.0, deadline=self._deadline),
        }
        return form_of(number), f"Question {number}.", options


def form_of(number: int) -> str:
    """How that question is asked."""
    return FORMS[number % len(FORMS)]


def digest(answer: Any) -> str:
    """A few letters instead of an answer that may be long: what is kept of ten thousand of them counts as memory."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return blake2b(text.encode(), digest_size=8).hexdigest()


class _Left(Exception):
    """The caller did not wait for the rest."""

    kind = "left"


_FORMAT = {"type": "json_schema", "json_schema": {"name": "sealed", "schema": SCHEMA}}
