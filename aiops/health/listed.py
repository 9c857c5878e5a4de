"""Whether a server is there, takes the key and has the model: what its list of models tells, for nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx2
import openai
from django.utils.translation import gettext as _

from aiops.gateway.clients import sync_client
from aiops.gateway.connections import Connection, MissingKey
from aiops.gateway.errors import BadKey, GatewayError, Unreachable
from aiops.gateway.model_ends import end_of
from aiops.gateway.translate import error_of
from aiops.health.findings import Finding, State


def look(connection: Connection, *, timeout: float, today: date) -> Iterator[Finding]:
    """Ask for the list of models, and say what that tells.

    Args:
        timeout: seconds.
        today: a model that has ended by then is wrong.
    """
    try:
        client = sync_client(connection)
    except MissingKey as error:
        yield Finding(what="key", state=State.NO, said=str(error), wrong=True)
        return
    started = time.perf_counter()
    try:
        response = client.get("/models", cast_to=httpx2.Response, options={"timeout": timeout})
    except openai.OpenAIError as error:
        yield from _without_a_list(error_of(error), _since(started))
        return
    ms = _since(started)
    yield Finding(what="reachable", state=State.YES, said=_("yes"), ms=ms)
    yield Finding(
        what="key",
        state=State.YES if connection.api_key else State.UNKNOWN,
        said=_("valid") if connection.api_key else _("none is needed"),
    )
    yield _models(response.content, connection, today)


def _without_a_list(error: GatewayError, ms: int) -> Iterator[Finding]:
    if error.status is None:
        there = State.NO if isinstance(error, Unreachable) else State.UNKNOWN
        yield Finding(what="reachable", state=there, said=str(error), wrong=True, ms=ms)
        return
    yield Finding(what="reachable", state=State.YES, said=_("yes"), ms=ms)
    if isinstance(error, BadKey):
        yield Finding(what="key", state=State.NO, said=str(error), wrong=True)
        return
    yield Finding(what="models", state=State.UNKNOWN, said=_("the server gives no list (%d)") % error.status)


def _models(content: bytes, connection: Connection, today: date) -> Finding:
    try:
        rows = [row for row in json.loads(content)["data"] if isinstance(row["id"], str)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Finding(what="models", state=State.UNKNOWN, said=_("what came is no list of models"))
    said = {"n": f"{len(rows):,}", "model": connection.model}
    if connection.azure_endpoint:
        # The list is of what can be deployed, a call names what was.
        return Finding(what="models", state=State.UNKNOWN, said=_("%(n)s can be deployed") % said)
    row = next((row for row in rows if row["id"] == connection.model), None)
    if row is None:
        # Servers with one model answer with it, whatever it is called.
        wrong = not connection.is_local
        return Finding(what="models", state=State.NO, said=_("%(n)s; %(model)s is not among them") % said, wrong=wrong)
    ends = _end(row, connection)
    if ends is None:
        return Finding(what="models", state=State.YES, said=_("%(n)s; %(model)s is there") % said)
    text = _("%(n)s; %(model)s is there until %(day)s") % {**said, "day": ends.isoformat()}
    return Finding(what="models", state=State.YES, said=text, wrong=ends <= today)


def _end(row: dict[str, Any], connection: Connection) -> date | None:
    """The day on which a model is shut down, as its provider says or has announced; None where none is known."""
    try:
        return date.fromisoformat(str(row.get("shutdown_date"))[:10])
    except ValueError:
        known = end_of(connection, connection.model)
        return known.day if known else None


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
