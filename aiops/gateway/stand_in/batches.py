"""Batches: `POST …/batches`, `GET …/batches`, `GET …/batches/{id}`, `POST …/batches/{id}/cancel`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from aiops.gateway.stand_in.batch_desk import BatchDesk
from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.operation import Operation, Problem
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import Billed, Said
from aiops.gateway.stand_in.stored_batches import ENDED, StoredBatch, StoredBatches
from aiops.gateway.stand_in.stored_files import StoredFiles

ENDPOINTS = ("/v1/responses", "/v1/chat/completions", "/v1/embeddings", "/v1/moderations")
MOST_LISTED = 100
MOST_METADATA = 16


class Batches(Operation):
    """Goes on with a batch whenever it is looked at, as its fate says."""

    name = "batches"
    counted = False
    takes_no_body = True

    def __init__(self, desk: BatchDesk, files: StoredFiles, clock: Callable[[], float]) -> None:
        self.stored = StoredBatches(desk, files, clock)
        self._desk = desk
        self._files = files

    def accepts(self, method: str, rest: str) -> bool:
        _, _, tail = rest.removeprefix("/").partition("/")
        if not rest:
            return method in ("GET", "POST")
        return method == "GET" if not tail else method == "POST" and tail == "cancel"

    def problem(self, received: Received) -> Problem | None:
        batch_id, cancels = _named(received)
        if not batch_id:
            return self._wrong_batch(received) if received.method == "POST" else _wrong_list(received)
        batch = self.stored.get(batch_id)
        if batch is None:
            return Problem(status=404, message=f"No batch found with id '{batch_id}'.")
        if cancels and batch.status in ENDED:
            return Problem(status=409, message=f"Cannot cancel a batch with status '{batch.status}'.")
        return None

    def seeded(self, exchange: Exchange) -> Said:
        """Does what is asked, as a side effect: an answer that is lost on its way has been acted upon."""
        received = exchange.received
        batch_id, cancels = _named(received)
        if not batch_id:
            if received.method == "POST":
                return Said(data=self._told(self.stored.add(received.body)))
            return Said(data=self._list(received.query))
        batch = self.stored.get(batch_id)
        if batch is None:
            raise LookupError(batch_id)
        if cancels:
            self.stored.cancel(batch)
        else:
            self.stored.look(batch)
        return Said(data=self._told(batch))

    def count(self, said: Said, exchange: Exchange) -> tuple[Billed, Mapping[str, Any] | None]:
        return Billed(), None

    def body(self, draft: Draft) -> bytes:
        return json.dumps(draft.said.data).encode()

    def forget(self) -> None:
        """There are none."""
        self.stored.clear()
        self._desk.clear()

    def _wrong_batch(self, received: Received) -> Problem | None:
        body = received.body or {}
        if body.get("endpoint") not in ENDPOINTS:
            return Problem(message=f"Invalid 'endpoint': expected one of {', '.join(ENDPOINTS)}.")
        if body.get("completion_window") != "24h":
            return Problem(message="Invalid 'completion_window': expected '24h'.")
        file = self._files.get(str(body.get("input_file_id")))
        if file is None:
            return Problem(message=f"No such File object: {body.get('input_file_id')}")
        if file.purpose != "batch":
            return Problem(message="Invalid 'input_file_id': its purpose must be 'batch'.")
        if len(body.get("metadata") or {}) > MOST_METADATA:
            return Problem(message=f"Invalid 'metadata': at most {MOST_METADATA} pairs.")
        return None

    def _told(self, batch: StoredBatch) -> dict[str, Any]:
        return batch.told() | ({} if self._desk.tells_metadata else {"metadata": None})

    def _list(self, query: Mapping[str, str]) -> dict[str, Any]:
        batches = [self._told(batch) for batch in self.stored.listed()]
        ids = [batch["id"] for batch in batches]
        if query.get("after") in ids:
            batches = batches[ids.index(query["after"]) + 1 :]
        limit = int(query.get("limit", 20))
        page = batches[:limit]
        return {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": len(batches) > limit,
        }


def _named(received: Received) -> tuple[str, bool]:
    """The batch in the path, empty for all of them; and whether it is to be cancelled."""
    batch_id, _, tail = received.path.partition("/batches")[2].removeprefix("/").partition("/")
    return batch_id, tail == "cancel"


def _wrong_list(received: Received) -> Problem | None:
    limit = received.query.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST_LISTED:
        return Problem(message=f"Invalid 'limit': expected an integer between 1 and {MOST_LISTED}.")
    return None
