"""Files: create, list, look up, read and delete, at `…/files`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.operation import JSON, Operation, Problem
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import Billed, Said
from aiops.gateway.stand_in.stored_files import LEAST_SECONDS, MOST_SECONDS, StoredFiles

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
MOST_LISTED = 10_000


class Files(Operation):
    """Keeps what is uploaded, in memory, until it expires or is deleted."""

    name = "files"
    counted = False
    keeps_files = True

    def __init__(self, stored: StoredFiles) -> None:
        self._stored = stored

    def accepts(self, method: str, rest: str) -> bool:
        _, _, tail = rest.removeprefix("/").partition("/")
        if not rest:
            return method in ("GET", "POST")
        return method in ("GET", "DELETE") if not tail else method == "GET" and tail == "content"

    def problem(self, received: Received) -> Problem | None:
        file_id, _ = _named(received)
        if file_id:
            if self._stored.get(file_id) is None:
                return Problem(status=404, message=f"No such File object: {file_id}")
            return None
        return _wrong_upload(received) if received.method == "POST" else _wrong_list(received)

    def seeded(self, exchange: Exchange) -> Said:
        """Does what is asked, as a side effect: an answer that is lost on its way has been acted upon."""
        received = exchange.received
        file_id, wants_content = _named(received)
        if received.method == "POST":
            body = received.body
            expiry = body.get("expires_after")
            return Said(
                data=self._stored.add(received.files[0], body["purpose"], int(expiry["seconds"]) if expiry else None)
            )
        if received.method == "DELETE":
            self._stored.delete(file_id)
            return Said(data={"id": file_id, "object": "file", "deleted": True})
        if not file_id:
            return Said(data=self._list(received.query))
        stored = self._stored.get(file_id)
        if stored is None:
            raise LookupError(file_id)
        return Said(data=stored.content if wants_content else stored.told())

    def count(self, said: Said, exchange: Exchange) -> tuple[Billed, Mapping[str, Any] | None]:
        return Billed(), None

    def content_type(self, draft: Draft) -> str:
        return "application/octet-stream" if isinstance(draft.said.data, bytes) else JSON

    def body(self, draft: Draft) -> bytes:
        data = draft.said.data
        return data if isinstance(data, bytes) else json.dumps(data).encode()

    def forget(self) -> None:
        """Delete all."""
        self._stored.clear()

    def _list(self, query: Mapping[str, str]) -> dict[str, Any]:
        files = [file.told() for file in self._stored.all()]
        if query.get("order", "desc") == "desc":
            files.reverse()
        files = [file for file in files if query.get("purpose") in (None, file["purpose"])]
        ids = [file["id"] for file in files]
        if query.get("after") in ids:
            files = files[ids.index(query["after"]) + 1 :]
        limit = int(query.get("limit", MOST_LISTED))
        page = files[:limit]
        return {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": len(files) > limit,
        }


def _named(received: Received) -> tuple[str, bool]:
    """The file in the path, empty for all of them; and whether it is about what is in it."""
    file_id, _, tail = received.path.partition("/files")[2].removeprefix("/").partition("/")
    return file_id, tail == "content"


def _wrong_upload(received: Received) -> Problem | None:
    if not received.files:
        return Problem(message="Missing required parameter: 'file'.")
    if received.body.get("purpose") not in PURPOSES:
        return Problem(message=f"Invalid 'purpose': expected one of {', '.join(PURPOSES)}.")
    expiry = received.body.get("expires_after")
    if expiry is not None:
        if expiry.get("anchor") != "created_at":
            return Problem(message="Invalid 'expires_after.anchor': expected 'created_at'.")
        if not LEAST_SECONDS <= int(expiry.get("seconds", 0)) <= MOST_SECONDS:
            return Problem(
                message=f"Invalid 'expires_after.seconds': expected between {LEAST_SECONDS} and {MOST_SECONDS}."
            )
    return None


def _wrong_list(received: Received) -> Problem | None:
    limit = received.query.get("limit", "1")
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST_LISTED:
        return Problem(message=f"Invalid 'limit': expected an integer between 1 and {MOST_LISTED}.")
    return None
