"""The server itself: addresses, keys, the asking of the script, and the counting of what happened."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from aiohttp import web

from aiops.gateway.stand_in.chat import Chat
from aiops.gateway.stand_in.embeddings import Embeddings
from aiops.gateway.stand_in.exchange import Exchange, Manner
from aiops.gateway.stand_in.operation import Operation, Problem
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.replies import Reply
from aiops.gateway.stand_in.responses import Responses
from aiops.gateway.stand_in.routes import Routes
from aiops.gateway.stand_in.script import Script
from aiops.gateway.stand_in.statuses import Raw, Status
from aiops.gateway.stand_in.strings import Unanswerable
from aiops.gateway.stand_in.totals import Tally

LOOPBACK = "127.0.0.1"

TURNS = 5
"""Of an event loop, until a connection that it has accepted has its protocol; it takes three."""


class Server:
    """Lives in one event loop; everything it shares with other threads guards itself."""

    def __init__(
        self,
        *,
        manner: Manner,
        script: Script,
        tally: Tally,
        latency: float,
        api_key: str | None,
        models: Sequence[str],
        keep_requests: bool,
    ) -> None:
        self.requests: list[Received] = []
        self.failures: list[Exception] = []
        """What a rule or a reply of the test's own raised."""
        self._manner = manner
        self._script = script
        self._tally = tally
        self._latency = latency
        self._api_key = api_key
        self._models = models
        self._keep_requests = keep_requests
        self._name = secrets.token_hex(6)
        self._routes = Routes([("chat/completions", Chat()), ("responses", Responses()), ("embeddings", Embeddings())])
        self._http: web.Server | None = None
        self._listening: asyncio.Server | None = None
        self._request_ids = 0

    async def start(self, port: int) -> int:
        """Listen on loopback; gives the port.

        Raises:
            OSError: the port is taken.
        """
        self._http = web.Server(self._handle, access_log=None)
        self._listening = await asyncio.get_running_loop().create_server(self._http, LOOPBACK, port, backlog=1024)
        return int(self._listening.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and drop every connection, answered or not."""
        if self._listening is not None:
            # Accept no more, and close once what has been accepted has its protocol: the socket of a connection that
            # finds its server closed is forgotten by asyncio, and complains when it is collected.
            asyncio.get_running_loop().remove_reader(self._listening.sockets[0].fileno())
            for _ in range(TURNS):
                await asyncio.sleep(0)
            self._listening.close()
        if self._http is not None:
            self._http.pre_shutdown()
            await self._http.shutdown(timeout=0.05)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            raw = await request.content.read()
        except (ConnectionError, web.RequestPayloadError):
            # It never arrived, so it is no request.
            return web.Response()
        path = request.path
        operation = self._routes.find(request.method, path)
        asks = operation is not None and operation.counted
        self._request_ids += 1
        body = _parsed(raw)
        received = Received(
            number=self._tally.arrived() if asks else 0,
            operation=operation.name if operation else "",
            method=request.method,
            path=path,
            headers=request.headers,
            body=body,
            messages=operation.messages(body) if operation and isinstance(body, dict) else [],
            at=datetime.now(UTC),
        )
        exchange = Exchange(
            request,
            received,
            operation,
            manner=self._manner,
            tally=self._tally,
            request_id=f"req_{self._name}{self._request_ids:08x}",
        )
        # The process's own addresses are no requests to the provider.
        if self._keep_requests and not path.startswith("/stand-in/"):
            self.requests.append(received)
        try:
            await self._send(self._reply(received, operation), exchange)
        except ConnectionError:
            exchange.broken()
        except asyncio.CancelledError:
            exchange.broken()
            raise
        finally:
            if asks:
                self._tally.left()
        return exchange.response or web.Response()

    async def _send(self, reply: Reply, exchange: Exchange) -> None:
        delay = reply.delay
        if delay is None:
            delay = self._latency if exchange.received.number else 0.0
        if delay:
            await asyncio.sleep(delay)
        try:
            await reply.send(exchange)
        except ConnectionError:
            raise
        except Unanswerable as error:
            problem = Problem(message=str(error), code="stand_in_schema")
            await exchange.whole(problem.body(), status=problem.status)
        except Exception as error:
            self.failures.append(error)
            if exchange.response is None:
                await _failed(error).send(exchange)
            else:
                exchange.hang_up()

    def _reply(self, received: Received, operation: Operation | None) -> Reply:
        path, method = received.path, received.method
        if path == "/stand-in/totals" and method == "GET":
            return Raw(json.dumps(asdict(self._tally.snapshot())).encode())
        if path == "/stand-in/reset" and method == "POST":
            self.reset()
            return Raw(b"{}")
        if not self._may(received):
            return Status(401)
        if path == "/v1/models" and method == "GET":
            return Raw(json.dumps({"object": "list", "data": [_model(name) for name in self._models]}).encode())
        if operation is None:
            return Status(404, code="unknown_url", message=f"Unknown request URL: {method} {path}.")
        problem = _problem(received, operation)
        if problem is not None:
            return Status(problem.status, code=problem.code, message=problem.message)
        try:
            return self._script.reply_to(received)
        except Exception as error:
            self.failures.append(error)
            return _failed(error)

    def reset(self) -> None:
        """Forget what was asked, counted and scripted."""
        self.requests.clear()
        self.failures.clear()
        self._script.clear()
        self._tally.reset()

    def _may(self, received: Received) -> bool:
        if self._api_key is None:
            return True
        # The second is how Azure's SDK sends it.
        given = received.headers.get("Authorization") == f"Bearer {self._api_key}"
        return given or received.headers.get("api-key") == self._api_key


def _failed(error: Exception) -> Reply:
    return Status(500, code="stand_in_rule", message=f"A rule or a reply of the test failed: {error!r}")


def _parsed(raw: bytes) -> object:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "stand-in"}


def _problem(received: Received, operation: Operation) -> Problem | None:
    """Why the request is refused, as a provider would; None where it is fine."""
    if not isinstance(received.body, dict):
        return Problem(message="The body of the request is not a JSON object.")
    if not received.model and "/deployments/" not in received.path:
        return Problem(message="You must provide a model parameter.")
    return operation.problem(received)
