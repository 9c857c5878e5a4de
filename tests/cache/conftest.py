"""Questions and answers, and hands that ask at the same time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from aiops.cache.answers import NewAnswer
from aiops.cache.key import key_of
from aiops.cache.uses import forget_uses
from aiops.gateway.completion import Completion
from aiops.gateway.connections import get_connection
from aiops.gateway.request import Request
from aiops.gateway.usage import Usage

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = 24 * 3600
PATIENCE = 60
"""Seconds that nothing here should ever take, however busy the machine is."""


@pytest.fixture(autouse=True)
def _nothing_noted():
    forget_uses()


def question(text="What is the capital of Peru?", **fields):
    given = {
        "connection": "default",
        "model": "gpt-6-luna",
        "messages": [{"role": "user", "content": text}],
        "output_limit": 50,
        "parameters": {"temperature": 0},
    }
    return Request(**(given | fields))


def key(text="What is the capital of Peru?"):
    return key_of(question(text), get_connection())


def completion(text="Lima", **fields):
    given = {"model": "gpt-6-luna-2026-09-01", "finish_reason": "stop", "usage": Usage(input_tokens=9, output_tokens=2)}
    return Completion(text=text, **(given | fields))


def new_answer(text="What is the capital of Peru?", said=None, **fields):
    given = {
        "key": key(text),
        "completion": said or completion(f"Answer to: {text}"),
        "connection": "default",
        "model": "gpt-6-luna",
        "cost": 412_000,
        "call_id": uuid4(),
    }
    return NewAnswer(**(given | fields))


def until(true):
    """Wait for what other hands are about to do."""
    patience = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < patience
        time.sleep(0.005)


class Hands:
    """Threads, each with a database connection of its own, as processes have."""

    def __init__(self):
        self.pool = ThreadPoolExecutor(16)
        self.gate = threading.Event()
        """What who leads waits for."""
        self.leading = threading.Event()
        """Somebody leads."""

    def start(self, function, *args):
        def run():
            try:
                return function(*args)
            finally:
                connection.close()

        return self.pool.submit(run)

    def start_loop(self, function, *args):
        """The same for a coroutine function, on an event loop of its own."""
        return self.start(async_to_sync(function), *args)


@pytest.fixture
def hands(transactional_db):
    hands = Hands()
    yield hands
    hands.gate.set()
    hands.pool.shutdown()
