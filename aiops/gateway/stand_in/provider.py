"""The provider itself, whatever its answers go over: addresses, keys, the asking of the script, and the counting."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiops.gateway.stand_in.arriving import Arrived, received
from aiops.gateway.stand_in.at_once import AtOnce
from aiops.gateway.stand_in.batches import Batches
from aiops.gateway.stand_in.counting import tokens_asked
from aiops.gateway.stand_in.exchange import Exchange, Manner
from aiops.gateway.stand_in.one_line import answer_line
from aiops.gateway.stand_in.operation import Operation, Problem
from aiops.gateway.stand_in.rate_limits import RateLimits
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.replies import Reply
from aiops.gateway.stand_in.routes import Routes
from aiops.gateway.stand_in.script import Script
from aiops.gateway.stand_in.statuses import Raw, Status
from aiops.gateway.stand_in.strings import Unanswerable
from aiops.gateway.stand_in.totals import Tally
from aiops.gateway.stand_in.wire import Wire


class Provider:
    """May be asked from any number of threads: everything it keeps guards itself."""

    def __init__(
        self,
        *,
        manner: Manner,
        script: Script,
        tally: Tally,
        latency: float,
        api_key: str | None,
        operations: Mapping[str, Operation],
        limits: RateLimits,
        keep_requests: bool,
        at_once: AtOnce | None = None,
    ) -> None:
        self.requests: list[Received] = []
        self.failures: list[Exception] = []
        """What a rule or a reply of the test's own raised."""
        self._manner = manner
        self._script = script
        self._tally = tally
        self._latency = latency
        self._api_key = api_key
        self._operations = operations
        self._limits = limits
        self._keep_requests = keep_requests
        self._at_once = at_once or AtOnce(None)
        self._name = secrets.token_hex(6)
        self._routes = Routes(operations)
        self._request_ids = itertools.count(1)
        for operation in operations.values():
            if isinstance(operation, Batches):
                operation.stored.ask = partial(answer_line, self._answer_line)

    async def answer(self, arrived: Arrived, wire: Wire) -> None:
        """Answer one request."""
        operation = self._routes.find(arrived.method, arrived.path)
        counts = operation is not None and operation.counted
        asked = received(arrived, operation, number=self._tally.arrived() if counts else 0)
        admitted = counts and self._at_once.enter()
        exchange = Exchange(
            wire,
            asked,
            operation,
            manner=self._manner,
            tally=self._tally,
            request_id=f"req_{self._name}{next(self._request_ids):08x}",
        )
        # The process's own addresses are no requests to the provider.
        if self._keep_requests and not asked.path.startswith("/stand-in/"):
            self.requests.append(asked)
        try:
            await self._send(
                self._too_many() if counts and not admitted else self._reply(asked, operation, exchange), exchange
            )
        except ConnectionError:
            exchange.broken()
        except (asyncio.CancelledError, GeneratorExit):
            exchange.broken()
            raise
        finally:
            if counts:
                self._tally.left()
            if admitted:
                self._at_once.leave()

    async def _answer_line(self, url: str, body: Mapping[str, Any], wire: Wire) -> str:
        """Answer a line of a batch: keys and limits are not looked at. Gives the id of the request."""
        operation = self._routes.find("POST", url)
        now = datetime.now(UTC)
        asked = Received(
            number=self._tally.arrived(),
            operation=operation.name if operation else "",
            method="POST",
            path=url,
            headers={},
            body=body,
            messages=operation.messages(body) if operation else [],
            at=now,
        )
        request_id = f"req_{self._name}{next(self._request_ids):08x}"
        exchange = Exchange(
            wire, asked, operation, manner=self._manner, tally=self._tally, request_id=request_id, limits={}
        )
        problem = _problem(asked, operation) if operation else Problem(status=404, message=f"Unknown URL: {url}.")
        try:
            if problem is not None:
                await Status(problem.status, code=problem.code, message=problem.message).send(exchange)
            else:
                await self._reply_of_script(asked).send(exchange)
        except ConnectionError:
            exchange.broken()
        except Unanswerable as error:
            await Status(400, code="stand_in_schema", message=str(error)).send(exchange)
        finally:
            self._tally.left()
        return request_id

    def _reply_of_script(self, asked: Received) -> Reply:
        try:
            return self._script.reply_to(asked)
        except Exception as error:
            self.failures.append(error)
            return _failed(error)

    async def _send(self, reply: Reply, exchange: Exchange) -> None:
        delay = reply.delay
        if delay is None:
            delay = self._latency if exchange.received.number else 0.0
        if delay:
            await exchange.pause(delay)
        try:
            await reply.send(exchange)
        except ConnectionError:
            raise
        except Unanswerable as error:
            problem = Problem(message=str(error), code="stand_in_schema")
            await exchange.whole(problem.body(), status=problem.status)
        except Exception as error:
            self.failures.append(error)
            if not exchange.begun:
                await _failed(error).send(exchange)
            else:
                exchange.hang_up()

    def _reply(self, asked: Received, operation: Operation | None, exchange: Exchange) -> Reply:
        path, method = asked.path, asked.method
        if path == "/stand-in/totals" and method == "GET":
            return Raw(json.dumps(asdict(self._tally.snapshot())).encode())
        if path == "/stand-in/reset" and method == "POST":
            self.reset()
            return Raw(b"{}")
        if not self._may(asked, operation):
            return Status(401)
        if operation is None:
            return Status(404, code="unknown_url", message=f"Unknown request URL: {method} {path}.")
        problem = _problem(asked, operation)
        if problem is not None:
            return Status(problem.status, code=problem.code, message=problem.message)
        if self._limits and operation.counted:
            verdict = self._limits.ask(asked.model, tokens_asked(asked))
            exchange.limits = verdict.headers
            if verdict.refusal:
                self._tally.limited()
                return Status(429, kind=verdict.kind, message=verdict.refusal)
        try:
            return self._script.reply_to(asked, by_rule_only=not operation.counted)
        except Exception as error:
            self.failures.append(error)
            return _failed(error)

    def reset(self) -> None:
        """Forget what was asked, counted, scripted and uploaded."""
        self.requests.clear()
        self.failures.clear()
        self._script.clear()
        self._tally.reset()
        self._limits.forget()
        for operation in self._operations.values():
            operation.forget()

    def _too_many(self) -> Reply:
        self._tally.limited()
        # At once: whoever has too much to do takes no time to say so.
        return Status(429, kind="requests", message="The server is overloaded. Please try again later.", delay=0.0)

    def _may(self, asked: Received, operation: Operation | None) -> bool:
        if self._api_key is None or (operation is not None and operation.own_key):
            return True
        # The second is how Azure's SDK sends it.
        given = asked.headers.get("Authorization") == f"Bearer {self._api_key}"
        return given or asked.headers.get("api-key") == self._api_key


def _failed(error: Exception) -> Reply:
    return Status(500, code="stand_in_rule", message=f"A rule or a reply of the test failed: {error!r}")


def _problem(asked: Received, operation: Operation) -> Problem | None:
    """Why the request is refused, as a provider would; None where it is fine."""
    if asked.method == "POST":
        if not isinstance(asked.body, dict) and not (operation.takes_no_body and asked.body is None):
            return Problem(message="The body of the request is not a JSON object.")
        if operation.counted and not (asked.model or operation.default_model or "/deployments/" in asked.path):
            return Problem(message="You must provide a model parameter.")
    try:
        return operation.problem(asked)
    except (AttributeError, KeyError, TypeError, ValueError):
        return Problem(message="The request is not valid: one of its parameters is of another type than it must be.")
