"""Who answers in the demo: the local model, or the stand-in provider where there can be none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from django.conf import settings
from django.test import override_settings

from aiops.gateway.connections import get_connection
from aiops.gateway.local_model import process
from aiops.gateway.local_model.errors import AlreadyRunning, DidNotStart, LocalModelError, NotOnThisMachine
from aiops.gateway.local_model.fetching import SMOLLM2, fetch, model_file
from aiops.gateway.local_model.health import totals
from aiops.gateway.testing import StandIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """A server that answers on this machine."""

    what: str
    """For people."""

    port: int
    is_a_model: bool
    counted: Callable[[], tuple[int, int]]
    """Tokens in and out by the server's own count, since it started."""


@contextmanager
def answering(directory: Path, *, stand_in: bool, say: Callable[[str], object]) -> Iterator[Answering]:
    """Someone to ask, until the end of the block. A local model that ran already goes on afterwards.

    Args:
        stand_in: do not try for a model.

    Raises:
        LocalModelError: the model could run here, and does not; the sentence says what to do.
    """
    if not stand_in:
        try:
            with _local_model(directory, say) as model:
                yield model
            return
        except NotOnThisMachine as error:
            say(f"{error} The stand-in server answers instead: its answers fit the schema and mean nothing.")
    with StandIn(seed=1, latency=0.05) as server:
        port = urlsplit(server.base_url).port or 0
        yield Answering(
            what="the stand-in server, whose answers fit the schema and mean nothing",
            port=port,
            is_a_model=False,
            counted=lambda: _count_of_stand_in(port),
        )


def leading_to(server: Answering) -> AbstractContextManager[object]:
    """The connection `local` of this process, led to a server on whichever port it has."""
    connections: Any = settings.AIOPS["CONNECTIONS"]
    local = {**connections["local"], "BASE_URL": f"http://127.0.0.1:{server.port}/v1"}
    return override_settings(AIOPS={**settings.AIOPS, "CONNECTIONS": {**connections, "local": local}})


@contextmanager
def _local_model(directory: Path, say: Callable[[str], object]) -> Iterator[Answering]:
    running = process.running(directory)
    started = running is None
    if running is None:
        say(f"Fetching the model, unless it is there: {SMOLLM2.name}, 98 MB, {SMOLLM2.licence} …")
        fetch(directory)
        running = _start(directory)
    try:
        yield Answering(
            what=f"{running.model}, on this machine",
            port=urlsplit(running.base_url).port or 0,
            is_a_model=True,
            counted=lambda: _count_of_model(running.base_url),
        )
    finally:
        if started:
            process.stop(directory)


def _start(directory: Path) -> process.Running:
    """Start the server on the port that the connection `local` names, or on a free one where that is taken."""
    path, name = model_file(None, directory)
    slots = get_connection("local").max_in_flight
    for port in (urlsplit(get_connection("local").base_url).port or 0, 0):
        try:
            running = process.start(process.command_line(path, name, directory, port=port, slots=slots), directory)
        except DidNotStart as error:
            if not port or "port is taken" not in str(error):
                raise
        else:
            if running is not None:
                return running
    raise AlreadyRunning("The local model could not be started.")


def _count_of_model(base_url: str) -> tuple[int, int]:
    count = totals(base_url)
    return count.tokens_in, count.tokens_out


def _count_of_stand_in(port: int) -> tuple[int, int]:
    with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/stand-in/totals", timeout=5) as answer:
        count = json.load(answer)
    return count["prompt_tokens"], count["completion_tokens"]


__all__ = ["Answering", "LocalModelError", "answering", "leading_to"]
